import Base
import CLinux
import PodRuntime

/// The mounts that the agent makes in pod folders, written down before each is made, so that they are found and
/// unmounted also after a crash in between. One file a pod, one path a line, in a folder that dies with the boot as
/// the mounts do. Blocking.
public struct MountJournal: Sendable {
    /// The folder of the journal files.
    public let folder: String

    public init(folder: String) { self.folder = folder }

    private func file(_ pod: PodDirectory) -> String { Path.join(folder, pod.uid) }

    /// Writes a path down. It must lie in the pod's folder.
    public func record(_ path: String, of pod: PodDirectory) throws(SystemError) {
        if try entries(of: pod).contains(path) { return }
        try Files.makeDirectories(folder, mode: 0o700)
        let file = try FileDescriptor.open(
            self.file(pod), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, mode: 0o600)
        // A line cut short by a full disk must not swallow the next one.
        try file.writeAll("\n\(path)\n".utf8, name: self.file(pod))
    }

    /// The paths recorded of a pod, in the order of their mounts. Lines that do not lie in its folder are no entries.
    public func entries(of pod: PodDirectory) throws(SystemError) -> [String] {
        let text: String
        do {
            text = String(decoding: try Files.read(file(pod), limit: 4 << 20), as: UTF8.self)
        } catch {
            if error.errno == .noEntry { return [] }
            throw error
        }
        return text.split(separator: "\n").map(String.init).filter {
            $0.hasPrefix(pod.path + "/") && Path.isClean($0)
        }
    }

    /// Unmounts everything recorded of a pod, last first, and forgets it. Nothing else is ever unmounted, and nothing
    /// behind a mount is touched.
    public func unmountAll(of pod: PodDirectory) throws(SystemError) {
        for path in try entries(of: pod).reversed() { try Self.unmount(path) }
        try Files.remove(file(pod))
    }

    /// Unmounts one recorded path; it stays recorded, which does no harm.
    public static func unmount(_ path: String) throws(SystemError) {
        while isMount(path) {
            if umount2(path, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) == 0 { continue }
            let error = Errno.current
            // Gone meanwhile.
            if error == .invalid || error == .noEntry { return }
            throw SystemError("unmount", path, error)
        }
    }

    /// The UIDs that have a journal file.
    public func pods() throws(SystemError) -> [String] {
        do {
            return try Files.list(folder)
        } catch {
            if error.errno == .noEntry { return [] }
            throw error
        }
    }

    /// Whether something is mounted at `path` itself.
    static func isMount(_ path: String) -> Bool {
        var status = statx()
        let mountRoot: UInt64 = 0x2000  // STATX_ATTR_MOUNT_ROOT, which is a macro
        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &status) == 0
            && status.stx_attributes & mountRoot != 0
    }
}

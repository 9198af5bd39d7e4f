import Base
import CLinux

/// A subPath of a volume, resolved without ever leaving the volume: a container that writes to the volume may have put
/// links anywhere in it, and may change them at any moment.
struct SubPath {
    /// The volume's folder on the host.
    var volume: String
    /// As in the manifest: relative, without `..`.
    var path: String
    /// Nothing that is missing is made.
    var isReadOnly = false

    private static let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)

    /// Opens what the path names (O_PATH); missing folders are made with the mode of the volume's own.
    ///
    /// - Throws: `VolumeError` without a volume's name, with the kubelet's text where it has one.
    func open() throws(VolumeError) -> FileDescriptor {
        if path.hasPrefix("/") { throw VolumeError("subPath \"\(path)\" must not be an absolute path") }
        let components = Path.components(path)
        if components.contains("..") { throw VolumeError("subPath \"\(path)\" must not contain \"..\"") }
        do {
            let root = try FileDescriptor.open(volume, O_PATH | O_DIRECTORY)
            let mode = try root.status(name: volume).st_mode & 0o7777
            if components.isEmpty { return root }
            if let found = try resolve(components[...], in: root) { return found }
            if isReadOnly {
                throw VolumeError("subPath \"\(path)\" does not exist in volume path \"\(volume)\"")
            }
            for end in 1...components.count {
                if try resolve(components[..<end], in: root) != nil { continue }
                try make(components[end - 1], in: try parent(components[..<(end - 1)], root), mode: mode)
            }
            if let found = try resolve(components[...], in: root) { return found }
            throw SystemError("openat2", volume + "/" + path, .noEntry)
        } catch let error as VolumeError {
            throw error
        } catch let error as SystemError {
            if error.errno == .crossDevice || error.errno == .loop {
                throw VolumeError("subPath \"\(path)\" not within volume path \"\(volume)\"")
            }
            throw VolumeError("failed to prepare subPath \"\(path)\" of volume path \"\(volume)\": \(error)")
        } catch {
            throw VolumeError("failed to prepare subPath \"\(path)\": \(error)")
        }
    }

    /// Nil when there is nothing of that name.
    private func resolve(
        _ components: ArraySlice<Substring>, in root: borrowing FileDescriptor
    ) throws(SystemError) -> FileDescriptor? {
        let relative = components.joined(separator: "/")
        let fd = swl_openat2(root.raw, relative, UInt64(O_PATH), 0, Self.resolve)
        if fd >= 0 { return FileDescriptor(adopting: fd) }
        let error = Errno.current
        if error == .noEntry { return nil }
        throw SystemError("openat2", volume + "/" + relative, error)
    }

    private func parent(
        _ components: ArraySlice<Substring>, _ root: borrowing FileDescriptor
    ) throws(SystemError) -> FileDescriptor {
        if components.isEmpty { return try root.duplicate() }
        guard let folder = try resolve(components, in: root) else {
            throw SystemError("openat2", volume + "/" + components.joined(separator: "/"), .noEntry)
        }
        return folder
    }

    private func make(
        _ name: Substring, in folder: borrowing FileDescriptor, mode: mode_t
    ) throws(SystemError) {
        let (raw, name) = (folder.raw, String(name))
        if mkdirat(raw, name, mode) != 0 {
            let error = Errno.current
            // A dangling link stands there, or another container was quicker: the next resolution tells.
            if error == .exists { return }
            throw SystemError("mkdir", volume + "/" + path, error)
        }
        // The umask took bits away. fchmodat would follow a link put in the folder's place: open it first.
        let made = try folder.open(at: name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let madeRaw = made.raw
        // It may be another by now, which a container keeps to itself.
        guard try Files.isNew(made, name: volume + "/" + path) else { return }
        try retrying("fchmod", volume + "/" + path) { fchmod(madeRaw, mode) }
    }
}

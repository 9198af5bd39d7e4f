import Base
import CLinux

/// Hands a volume that outlives its pods to a group (fsGroup), as the kubelet does: all of it is the group's, readable
/// and writable to it, and what is made in its folders is so, too.
///
/// Containers may write to the volume meanwhile and put links anywhere in it: everything is reached through
/// descriptors, no link is followed and no mount crossed.
struct VolumeOwner {
    var group: gid_t
    /// `fsGroupChangePolicy: OnRootMismatch`: the volume's own folder stands for all of it.
    var onlyOnRootMismatch = false

    /// How deep folders are followed, a descriptor each.
    static let maximumDepth = 200
    private static let folderMode: mode_t = 0o2770
    private static let fileMode: mode_t = 0o660

    func apply(to path: String) throws(SystemError) {
        let root = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        let status = try root.status(name: path)
        let isRight = status.st_gid == group && status.st_mode & Self.folderMode == Self.folderMode
        if onlyOnRootMismatch, isRight { return }
        try walk(root, path, depth: 0)
    }

    /// The folder itself comes last: what was broken off is done anew.
    private func walk(_ folder: borrowing FileDescriptor, _ path: String, depth: Int) throws(SystemError) {
        guard depth < Self.maximumDepth else { throw SystemError("hand to the group", path, .nameTooLong) }
        for name in try Files.list("/proc/self/fd/\(folder.raw)") {
            let display = path + "/" + name
            let resolve = UInt64(RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH)
            let flags = UInt64(O_PATH | O_NOFOLLOW)
            let fd = swl_openat2(folder.raw, name, flags, 0, resolve)
            guard fd >= 0 else {
                // Gone meanwhile, a link, or another mount's.
                let error = Errno.current
                if [.noEntry, .loop, .crossDevice].contains(error) { continue }
                throw SystemError("open", display, error)
            }
            let entry = FileDescriptor(adopting: fd)
            let status = try entry.status(name: display)
            if swl_is_dir(status.st_mode) {
                let inner = try FileDescriptor.open("/proc/self/fd/\(entry.raw)", O_RDONLY | O_DIRECTORY)
                try walk(inner, display, depth: depth + 1)
            } else if swl_is_regular(status.st_mode) || swl_is_socket(status.st_mode) || isPipe(status.st_mode) {
                try change(entry, Self.fileMode, display)
            }
            withExtendedLifetime(entry) {}
        }
        try change(folder, Self.folderMode, path)
    }

    private func isPipe(_ mode: mode_t) -> Bool { mode & mode_t(S_IFMT) == mode_t(S_IFIFO) }

    private func change(_ file: borrowing FileDescriptor, _ bits: mode_t, _ name: String) throws(SystemError) {
        let raw = file.raw
        if try file.status(name: name).st_gid != group {
            try retrying("chown", name) { fchownat(raw, "", uid_t.max, group, AT_EMPTY_PATH) }
        }
        // After the change of the group, which takes set-id bits away.
        let mode = try file.status(name: name).st_mode & 0o7777
        if mode & bits == bits { return }
        try retrying("chmod", name) { chmod("/proc/self/fd/\(raw)", mode | bits) }
    }
}

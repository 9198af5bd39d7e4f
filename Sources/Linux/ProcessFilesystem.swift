import Base
import CLinux

/// A procfs of our own, of this process's pid namespace, that nobody can have mounted over. All writes to procfs go
/// through one: what stands at `/proc` inside a container is not trusted.
public struct ProcessFilesystem: Sendable {
    private let root: SharedDescriptor

    /// - Parameter processesOnly: without the system-wide files.
    public init(processesOnly: Bool = true) throws(SystemError) {
        root = try MountTree.filesystem(
            "proc", source: "proc", options: processesOnly ? [FilesystemOption("subset", "pid")] : [],
            attributes: [.noSetUserID, .noDevices, .noExecute]
        ).descriptor
    }

    /// Opens a file below it; `self` and `thread-self` are followed, magic links are not.
    public func open(_ path: String, _ flags: Int32) throws(SystemError) -> FileDescriptor {
        let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
        return FileDescriptor(
            adopting: try retrying("open", "/proc/\(path)") {
                swl_openat2(root.raw, path, UInt64(flags), 0, resolve)
            })
    }

    /// Writes to an existing file.
    public func write(_ path: String, _ value: String) throws(SystemError) {
        try open(path, O_WRONLY).writeAll(value.utf8, name: "\(value) to /proc/\(path)")
    }
}

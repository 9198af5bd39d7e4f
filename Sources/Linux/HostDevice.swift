import Base
import CLinux

/// A device node of the host.
public struct HostDevice: Sendable, Hashable {
    public var path: String
    public var isBlock: Bool
    public var major: UInt32
    public var minor: UInt32
    public var mode: UInt32
    public var uid: UInt32
    public var gid: UInt32

    /// What privileged containers get: the devices below `/dev`, without terminals and what a container has of its own.
    public static func all(below folder: String = "/dev") throws(SystemError) -> [HostDevice] {
        var devices: [HostDevice] = []
        try collect(folder, depth: 0, into: &devices)
        return devices
    }

    private static let own: Set<String> = [
        "pts", "shm", "fd", "mqueue", "console", "ptmx", ".lxc", ".lxd-mounts", ".udev",
    ]

    private static func collect(_ folder: String, depth: Int, into devices: inout [HostDevice]) throws(SystemError) {
        for name in try Files.list(folder) where !(depth == 0 && own.contains(name)) {
            let path = Path.join(folder, name)
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if swl_is_dir(status.st_mode) {
                if depth < 8 { try collect(path, depth: depth + 1, into: &devices) }
            } else if swl_is_char(status.st_mode) || swl_is_block(status.st_mode) {
                devices.append(
                    HostDevice(
                        path: path, isBlock: swl_is_block(status.st_mode), major: swl_major(status.st_rdev),
                        minor: swl_minor(status.st_rdev), mode: status.st_mode & 0o777, uid: status.st_uid,
                        gid: status.st_gid))
            }
        }
    }
}

import Base
import Linux

/// The program `swiftlet-pod`, opened once. It is executed through a read-only mount of its own, so that a process that
/// sees it under /proc/<pid>/exe cannot open the host's file for writing (CVE-2019-5736).
public struct SupervisorExecutable: Sendable {
    public let path: String
    let descriptor: SharedDescriptor

    /// - Throws: `SystemError` when the file is not there, or this process may not mount.
    public init(path: String) throws(SystemError) {
        self.path = path
        descriptor = try ProtectedExecutable.open(path)
    }
}

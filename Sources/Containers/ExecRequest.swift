import Base
import OCI

/// A further process to start in a running container.
public struct ExecRequest: Sendable {
    /// `process.user`'s ids are not used: `user` says them.
    public var process: RuntimeProcess
    public var user: UserRequest
    public var seccompProgram: [UInt8] = []
    /// The container's own cgroup.
    public var cgroup: SharedDescriptor?
    /// `/dev/null` where nil. Not used with `process.terminal`.
    public var standardInput: SharedDescriptor?
    public var standardOutput: SharedDescriptor?
    public var standardError: SharedDescriptor?

    public init(process: RuntimeProcess, user: UserRequest = UserRequest()) {
        self.process = process
        self.user = user
    }
}

import Base
import OCI

/// A container to start: its runtime spec and what the spec cannot say.
public struct ContainerRequest: Sendable {
    /// For messages, `[a-zA-Z0-9_+-][a-zA-Z0-9_+.-]*`.
    public var id: String
    /// `root.path` and `process.user`'s ids are not used: `root` and `user` say them. Namespaces without a path are
    /// made new, missing ones are the caller's. `linux.resources` are the cgroup's, which the caller has prepared.
    public var spec: RuntimeSpec
    public var root: RootFilesystem
    public var user: UserRequest
    /// Refuses to run as user 0.
    public var runAsNonRoot = false
    /// `struct sock_filter` array compiled by module Seccomp; empty for no filter.
    public var seccompProgram: [UInt8] = []
    /// Folder of the cgroup v2 that the container starts in.
    public var cgroup: SharedDescriptor?
    /// `/dev/null` where nil. Not used with `spec.process.terminal`.
    public var standardInput: SharedDescriptor?
    public var standardOutput: SharedDescriptor?
    public var standardError: SharedDescriptor?
    /// pidfd of a process whose pid namespace the container joins (the pod's pause process). The spec then has no
    /// `pid` namespace; with neither, the container is in the caller's (`hostPID`).
    public var pidNamespace: SharedDescriptor?

    public init(id: String, spec: RuntimeSpec, root: RootFilesystem, user: UserRequest = UserRequest()) {
        self.id = id
        self.spec = spec
        self.root = root
        self.user = user
    }
}

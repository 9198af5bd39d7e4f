import Base

/// Starts containers and processes in them. For a single-threaded process without threads of its own, as `swiftlet-pod`
/// is: the child continues as a copy of it until it executes the program.
public enum ContainerLauncher {
    /// Starts a container. Returns at once; the outcome comes on `Launch.status`.
    ///
    /// - Throws: `ContainerError` when the request cannot be carried out, or the process cannot be made.
    public static func launch(_ request: ContainerRequest) throws(ContainerError) -> Launch {
        throw ContainerError(.invalid, "start the container", request.id)
    }

    /// Starts a process in the container whose first process is `container`.
    public static func exec(in container: ChildProcess, _ request: ExecRequest) throws(ContainerError) -> Launch {
        throw ContainerError(.invalid, "execute in the container", "\(container.pid)")
    }
}

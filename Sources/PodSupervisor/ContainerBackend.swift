import Base
import PodProtocol

/// What makes containers: the `Containers` library, or a fake in tests.
protocol ContainerBackend: AnyObject {
    /// Begins to start a container. Returns at once.
    ///
    /// - Parameters:
    ///   - pidNamespace: pidfd of the pod's pause process, when the pod shares one pid namespace.
    ///   - output: what becomes the process's standard output and error.
    func launch(_ start: StartContainer, output: ProcessOutput, pidNamespace: SharedDescriptor?)
        throws(RequestFailure) -> any LaunchedContainer
}

/// The ends of pipes that a process gets; `/dev/null` where nil. All nil for a process with a terminal.
struct ProcessOutput {
    var standardInput: SharedDescriptor?
    var standardOutput: SharedDescriptor?
    var standardError: SharedDescriptor?
}

/// A process on its way to its program, and then running it.
protocol LaunchedProcess: AnyObject {
    var process: ChildProcess { get }
    /// Readable when there is more to know from `outcome`.
    var status: SharedDescriptor { get }
    /// Nil as long as the program was neither executed nor has failed to be.
    func outcome() -> LaunchOutcome?
    /// The master of the terminal that was asked for; to be called once, after the outcome `started`.
    func receiveTerminal() throws(SystemError) -> FileDescriptor?
}

/// A container's first process.
protocol LaunchedContainer: LaunchedProcess {
    /// Begins to start a further process in the container.
    func exec(_ request: ExecRequest, output: ProcessOutput) throws(RequestFailure) -> any LaunchedProcess
}

enum LaunchOutcome {
    /// `notes`: what could not be had as asked, each a sentence.
    case started(ContainerState.ResolvedUser, notes: [String])
    case failed(RequestFailure)
}

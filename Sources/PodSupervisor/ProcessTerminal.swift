import Base
import CLinux
import PodProtocol

/// The master of a process's terminal. Closing the last of its descriptors hangs the terminal up.
struct ProcessTerminal {
    let master: SharedDescriptor
    /// A second descriptor of it for the input, as both directions are watched for themselves.
    let input: SharedDescriptor

    /// Takes the terminal over from a process whose program has just been executed.
    init(of launched: any LaunchedProcess) throws(SystemError) {
        guard let received = try launched.receiveTerminal() else {
            throw SystemError("receive the terminal of", "process \(launched.process.pid)", .notSupported)
        }
        try received.setNonBlocking()
        input = SharedDescriptor(try received.duplicate())
        master = SharedDescriptor(received)
    }

    func resize(_ size: TerminalSize) -> Result<Reply.Value, RequestFailure> {
        guard swl_set_window_size(master.raw, size.rows, size.columns) == 0 else {
            return .failure(RequestFailure(SystemError("TIOCSWINSZ", "the terminal")))
        }
        return .success(.done)
    }
}

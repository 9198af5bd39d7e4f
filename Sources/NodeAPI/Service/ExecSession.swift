/// A process to start in a container.
public struct ExecRequest: Sendable, Hashable {
    public var namespace: String
    public var pod: String
    /// Nil for the pod's only container (or its `kubectl.kubernetes.io/default-container`).
    public var container: String?
    /// The program, searched in the container's PATH, and its arguments. Never empty.
    public var command: [String]
    public var stdin: Bool
    public var tty: Bool
    /// The client's window when `tty`; 0 when it is not known.
    public var rows: UInt16
    public var columns: UInt16

    public init(
        namespace: String, pod: String, container: String?, command: [String], stdin: Bool, tty: Bool,
        rows: UInt16 = 0, columns: UInt16 = 0
    ) {
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.command = command
        self.stdin = stdin
        self.tty = tty
        self.rows = rows
        self.columns = columns
    }
}

/// What the client of an exec is told, on the loop's thread, never from inside a call to the session.
public struct ExecClient {
    public enum Stream: Sendable { case standardOutput, standardError }

    /// The process wrote something. May be called a little longer after `pauseOutput`.
    public var output: (Stream, [UInt8]) -> Void
    /// More input is wanted after `send` returned false.
    public var inputReady: () -> Void
    /// The last call: the exit status (128 + signal for a signal), or why the process could not be started or was lost.
    public var finished: (Result<Int32, NodeServiceError>) -> Void

    public init(
        output: @escaping (Stream, [UInt8]) -> Void, inputReady: @escaping () -> Void,
        finished: @escaping (Result<Int32, NodeServiceError>) -> Void
    ) {
        self.output = output
        self.inputReady = inputReady
        self.finished = finished
    }
}

/// A process started in a container, as its client sees it.
public protocol ExecSession: AnyObject {
    /// Hands bytes to the process's standard input. False when no more should come until `inputReady`; the bytes are
    /// taken all the same.
    func send(_ bytes: [UInt8]) -> Bool
    /// Closes the process's standard input after what was sent.
    func closeInput()
    /// The client's window changed.
    func resize(rows: UInt16, columns: UInt16)
    /// Stops reading what the process writes (its writes then block), and goes on.
    func pauseOutput()
    func resumeOutput()
    /// The client is gone. No closure is called any more.
    func cancel()
}

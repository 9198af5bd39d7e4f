import PodProtocol

/// What a connection carries besides requests: the terminal or the pipes of a process.
protocol Session: AnyObject {
    /// Bytes from the peer; none is the end of the input.
    func input(_ bytes: [UInt8])
    /// Sets the terminal's size; its foreground processes get SIGWINCH from the kernel.
    func resize(_ size: TerminalSize) -> Result<Reply.Value, RequestFailure>
    /// The peer is gone.
    func disconnected()
}

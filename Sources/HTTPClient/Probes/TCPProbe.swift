import Base

/// Asks once whether a port takes connections.
public final class TCPProbe {
    private let connection: ProbeConnection
    private let loop: EventLoop
    private var timer: EventLoop.Token?
    private var completion: ((String?) -> Void)?

    /// - Parameter completion: called once, on the loop and not from inside this call: nil when the connection was made,
    ///   else why not.
    public init(
        _ host: String, _ port: UInt16, timeout: Nanoseconds, loop: EventLoop, work: any BlockingWork,
        completion: @escaping (_ failure: String?) -> Void
    ) {
        self.loop = loop
        self.completion = completion
        connection = ProbeConnection(host, port, nil, loop: loop, work: work)
        connection.onOpen = { [weak self] in self?.finish(nil) }
        connection.onEnd = { [weak self] in self?.finish($0 ?? "EOF") }
        let shown = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        timer = loop.schedule(after: timeout) { [weak self] in self?.finish("dial tcp \(shown): i/o timeout") }
        connection.open()
    }

    deinit { cancel() }

    /// Gives it up without a word.
    public func cancel() {
        completion = nil
        if let timer { loop.cancel(timer) }
        timer = nil
        connection.close()
    }

    private func finish(_ failure: String?) {
        let handler = completion
        cancel()
        handler?(failure)
    }
}

import Base

/// Asks once by `grpc.health.v1.Health/Check` how a service is, over a connection of its own without TLS.
public final class GRPCProbe {
    private let connection: ProbeConnection
    private let loop: EventLoop
    private let shown: String
    private let service: String
    private let timeout: Nanoseconds
    private var check = HealthCheck()
    private var isOpen = false
    private var timer: EventLoop.Token?
    private var completion: ((String?) -> Void)?

    /// - Parameters:
    ///   - service: empty for the server as a whole.
    ///   - completion: called once, on the loop and not from inside this call: nil when it serves, else why not.
    public init(
        _ host: String, _ port: UInt16, service: String, timeout: Nanoseconds, loop: EventLoop,
        work: any BlockingWork, completion: @escaping (_ failure: String?) -> Void
    ) {
        self.loop = loop
        self.service = service
        self.timeout = timeout
        self.completion = completion
        shown = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        connection = ProbeConnection(host, port, nil, loop: loop, work: work)
        connection.onOpen = { [weak self] in self?.opened() }
        connection.onBytes = { [weak self] in self?.received($0) }
        connection.onEnd = { [weak self] in self?.ended($0) }
        timer = loop.schedule(after: timeout) { [weak self] in self?.timedOut() }
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

    private func opened() {
        isOpen = true
        connection.send(HealthCheck.request(authority: shown, service: service))
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        let answer = check.receive(bytes)
        let output = check.takeOutput()
        if !output.isEmpty { connection.send(output) }
        switch answer {
        case .status(1): finish(nil)
        case .status(let status): finish("service unhealthy (responded with \"\(Self.name(status))\")")
        case .failure(let why): finish("error: health rpc probe failed: \(why)")
        case nil: break
        }
    }

    private static func name(_ status: UInt64) -> String {
        switch status {
        case 0: "UNKNOWN"
        case 2: "NOT_SERVING"
        case 3: "SERVICE_UNKNOWN"
        default: "\(status)"
        }
    }

    private func ended(_ message: String?) {
        guard isOpen else {
            return finish("error: failed to connect service at \"\(shown)\": \(message ?? "EOF")")
        }
        finish("error: health rpc probe failed: \(message ?? "the server closed the connection")")
    }

    private func timedOut() {
        timer = nil
        finish(
            isOpen
                ? "timeout: health rpc did not complete within \(timeout)"
                : "timeout: failed to connect service \"\(shown)\" within \(timeout): context deadline exceeded")
    }

    private func finish(_ failure: String?) {
        let handler = completion
        cancel()
        handler?(failure)
    }
}

import Base
import CLinux
import HTTP

/// One client's connection: a state machine that never blocks.
final class Connection {
    private enum Phase {
        /// Waiting for a request, or reading its head.
        case head
        case body(Exchange, Endpoint)
        /// The answer is being made or sent.
        case response(Exchange)
        case streaming(ByteStream)
        case upgraded(ByteStream)
        /// Everything is said; what the client still sends is dropped until it closes.
        case lingering
        case closed
    }

    let id: Int
    private let socket: FileDescriptor
    private let access: Access
    private unowned let server: HTTPServer
    private var token: EventLoop.Token?
    private var interest: Readiness = []
    private var phase = Phase.head
    private var parser: HTTPRequestParser
    private var output = OutputBuffer()
    private var deadline: EventLoop.Token?
    private var isReadingPaused = false
    private var inputEnded = false
    /// The connection serves another request after this one.
    private var keepsAlive = true
    private var isPumping = false
    /// When it began, or answered last.
    private var lastAnswer = BootInstant.now

    /// Nil when the loop cannot watch the socket.
    init?(_ id: Int, _ socket: consuming FileDescriptor, _ access: Access, _ server: HTTPServer) {
        self.id = id
        self.socket = socket
        self.access = access
        self.server = server
        parser = HTTPRequestParser(limits: server.limits.parser)
        do throws(SystemError) {
            token = try server.loop.watch(self.socket, for: .readable) { [weak self] in self?.ready($0) }
            interest = .readable
        } catch {
            return nil
        }
        setDeadline(server.limits.head)
    }

    /// Since when nothing of a request has come; nil while there is something to do.
    var idleSince: BootInstant? {
        if case .head = phase, parser.isIdle, output.count == 0 { lastAnswer } else { nil }
    }

    // MARK: Input

    private var wantsInput: Bool {
        switch phase {
        // A client that sends requests and does not take the answers is not listened to.
        case .head: !isCongested
        case .lingering: !inputEnded
        case .body, .upgraded: !isReadingPaused
        case .response, .streaming, .closed: false
        }
    }

    private func ready(_ readiness: Readiness) {
        if readiness.contains(.writable) { flush() }
        let isGone = !readiness.isDisjoint(with: [.hangup, .error])
        if wantsInput, isGone || readiness.contains(.readable) {
            read()
        } else if isGone {
            close()
        }
        updateInterest()
    }

    private func read() {
        let raw = socket.raw
        let count = server.scratch.withUnsafeMutableBytes { CLinux.read(raw, $0.baseAddress, $0.count) }
        if count < 0 {
            let error = Errno.current
            if error != .again, error != .interrupted { close() }
            return
        }
        if count == 0 { return endOfInput() }
        switch phase {
        case .lingering: return
        case .upgraded(let stream): stream.onInput?(Array(server.scratch[..<count]))
        default:
            if case .head = phase, parser.isIdle { setDeadline(server.limits.head) }
            server.scratch.withUnsafeBytes { parser.receive(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            pump()
        }
    }

    /// The client has nothing more to say; it may still wait for the last answer.
    private func endOfInput() {
        inputEnded = true
        switch phase {
        case .head where output.count > 0: finishAndClose()
        case .lingering where output.count > 0: break
        default: close()
        }
    }

    /// Takes from the parser what the phase has a use for.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer {
            isPumping = false
            updateInterest()
        }
        do throws(HTTPError) {
            while wantsRequestEvents, let event = try parser.next() { handle(event) }
        } catch {
            refuse(error)
        }
    }

    private var wantsRequestEvents: Bool {
        switch phase {
        case .head: !isCongested
        case .body: !isReadingPaused
        default: false
        }
    }

    private func handle(_ event: HTTPRequestParser.Event) {
        switch (event, phase) {
        case (.head(let head), .head): begin(head)
        case (.body(let bytes), .body(let exchange, let endpoint)):
            setDeadline(server.limits.stall)
            endpoint.body?.receive(exchange, bytes)
        case (.end, .body(let exchange, let endpoint)):
            setDeadline(nil)
            phase = .response(exchange)
            endpoint.run(exchange)
        default: break
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        keepsAlive = head.keepsAlive
        let target: RequestTarget
        do throws(HTTPError) { target = try RequestTarget(parsing: head.target) } catch { return refuse(error) }
        let exchange = Exchange(head, target, self)
        let endpoint = access.permits(head, target) ? server.route(head, target) : Self.forbidden
        parser.limits.body = endpoint.body?.limit ?? server.limits.parser.body
        phase = .body(exchange, endpoint)
        isReadingPaused = false
        setDeadline(server.limits.stall)
        if head.expectsContinue { send(HTTPSerializer.goOn) }
    }

    private static var forbidden: Endpoint {
        .message(
            403,
            "members of group \(SocketAccess.viewGroup) may only look; this is for root and group \(SocketAccess.adminGroup)"
        )
    }

    /// Answers with an error and serves this client no further.
    func refuse(_ error: HTTPError) {
        abortBody()
        keepsAlive = false
        write(HTTPResponseHead(status: error.status), type: "text/plain; charset=utf-8", Array("\(error)\n".utf8))
        finishAndClose()
    }

    private func abortBody() {
        if case .body(_, let endpoint) = phase { endpoint.body?.abort() }
    }

    func pauseReading() {
        isReadingPaused = true
        setDeadline(nil)
        updateInterest()
    }

    func resumeReading() {
        guard isReadingPaused else { return }
        isReadingPaused = false
        if case .body = phase {
            setDeadline(server.limits.stall)
            pump()
        }
        updateInterest()
    }

    // MARK: Answers

    func respond(_ exchange: Exchange, _ status: Int, type: String, body: [UInt8], headers: HTTPHeaders) {
        guard answers(exchange) else { return }
        write(HTTPResponseHead(status: status, headers: headers), type: type, body)
        responseFinished()
    }

    func stream(_ exchange: Exchange, type: String) -> ByteStream? {
        guard answers(exchange) else { return nil }
        let isChunked = exchange.head.version == .http11
        if !isChunked { keepsAlive = false }
        var headers: HTTPHeaders = ["Content-Type": type]
        if isChunked { headers.append("Transfer-Encoding", "chunked") }
        if !keepsAlive { headers.append("Connection", "close") }
        let stream = ByteStream(self, isChunked: isChunked)
        phase = .streaming(stream)
        send(HTTPSerializer.head(HTTPResponseHead(status: 200, headers: headers)))
        return stream
    }

    func upgrade(_ exchange: Exchange, to name: String, _ headers: HTTPHeaders) -> ByteStream? {
        guard answers(exchange) else { return nil }
        let stream = ByteStream(self, isChunked: false)
        phase = .upgraded(stream)
        isReadingPaused = false
        keepsAlive = false
        setDeadline(nil)
        var all: HTTPHeaders = ["Connection": "Upgrade", "Upgrade": name]
        for field in headers.fields { all.append(field.name, field.value) }
        send(HTTPSerializer.head(HTTPResponseHead(status: 101, headers: all)))
        let rest = parser.takeRest()
        // After the caller has set the stream's closures.
        if !rest.isEmpty { server.loop.enqueue { stream.onInput?(rest) } }
        return stream
    }

    /// Whether `exchange` is the one that waits for its answer.
    private func answers(_ exchange: Exchange) -> Bool {
        switch phase {
        case .response(let current): return current === exchange
        case .body(let current, _):
            // Answered before the request was complete: what is left of it will not be read.
            guard current === exchange else { return false }
            abortBody()
            keepsAlive = false
            return true
        default: return false
        }
    }

    private func write(_ head: HTTPResponseHead, type: String, _ body: [UInt8]) {
        var head = head
        head.headers.append("Content-Type", type)
        head.headers.append("Content-Length", String(body.count))
        if !keepsAlive { head.headers.append("Connection", "close") }
        send(HTTPSerializer.head(head) + body)
    }

    func streamFinished() { responseFinished() }

    private func responseFinished() {
        if case .closed = phase { return }
        guard keepsAlive else { return finishAndClose() }
        phase = .head
        lastAnswer = .now
        isReadingPaused = false
        parser.limits = server.limits.parser
        setDeadline(timeToNextRequest)
        pump()
    }

    /// For the client to take its answers, or else to ask again.
    private var timeToNextRequest: Nanoseconds {
        output.count > 0 ? server.limits.stall : parser.isIdle ? server.limits.idle : server.limits.head
    }

    // MARK: Output

    var pendingOutput: Int { output.count }
    var isCongested: Bool { output.count >= server.limits.congestion }

    func send(_ bytes: [UInt8]) {
        if case .closed = phase { return }
        output.append(bytes)
        flush()
        updateInterest()
    }

    private func flush() {
        let wasCongested = isCongested
        guard output.flush(to: socket) else {
            // Not from inside `send`: who writes does not expect to be closed meanwhile.
            server.loop.enqueue { [weak self] in self?.close() }
            return output.discard()
        }
        switch phase {
        case .streaming(let stream), .upgraded(let stream):
            if wasCongested, !isCongested {
                server.loop.enqueue { [weak stream] in stream?.onDrained?() }
            }
        case .lingering where output.count == 0: endOutput()
        case .head:
            setDeadline(timeToNextRequest)
            // Requests that had come already waited in the parser.
            if wasCongested, !isCongested { server.loop.enqueue { [weak self] in self?.pump() } }
        default: break
        }
    }

    private func endOutput() {
        _ = shutdown(socket.raw, Int32(SHUT_WR))
        setDeadline(inputEnded ? Nanoseconds(0) : server.limits.linger)
    }

    /// Sends what is waiting, tells the client that it was all, and closes when the client has, or soon.
    private func finishAndClose() {
        if case .closed = phase { return }
        phase = .lingering
        if output.count == 0 { endOutput() } else { setDeadline(server.limits.stall) }
        updateInterest()
    }

    func close() {
        let last = phase
        if case .closed = last { return }
        abortBody()
        phase = .closed
        setDeadline(nil)
        if let token { server.loop.unwatch(token) }
        token = nil
        _ = shutdown(socket.raw, Int32(SHUT_RDWR))
        server.forget(self)
        switch last {
        case .streaming(let stream), .upgraded(let stream): stream.closedByClient()
        default: break
        }
    }

    // MARK: Loop

    private func updateInterest() {
        guard let token else { return }
        var wanted: Readiness = []
        if wantsInput { wanted.insert(.readable) }
        if output.count > 0 { wanted.insert(.writable) }
        guard wanted != interest else { return }
        interest = wanted
        do throws(SystemError) { try server.loop.update(token, for: wanted) } catch { close() }
    }

    private func setDeadline(_ time: Nanoseconds?) {
        if let deadline { server.loop.cancel(deadline) }
        deadline = time.map { time in
            server.loop.schedule(after: time) { [weak self] in self?.deadlinePassed() }
        }
    }

    private func deadlinePassed() {
        deadline = nil
        switch phase {
        case .head where parser.isIdle, .lingering, .closed: close()
        case .head, .body: refuse(HTTPError(408, "the request did not arrive in time"))
        case .response, .streaming, .upgraded: break
        }
    }
}

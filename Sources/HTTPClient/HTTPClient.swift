import Base
import HTTP
import TLS

/// Asks one URL, one request at a time, on an event loop that is never blocked. The connection is kept for the next
/// request. Redirects are answers like others: nothing is followed. Everything that the server controls is bounded: the
/// head, the body, and by time-outs how long any of it takes.
public final class HTTPClient {
    public typealias Completion = (Result<ClientResponse, ClientError>) -> Void

    /// A request that has no answer yet.
    private struct Exchange {
        var request: ClientRequest
        var completion: Completion
        var parser: HTTPResponseParser
        var head: HTTPResponseHead?
        var body: [UInt8] = []
        /// Something of the answer has come.
        var hasAnswer = false
        /// It went over a connection that had been kept: that one may have been closed meanwhile.
        var isOnKeptConnection = false
    }

    public let url: HTTPURL
    public let options: ClientOptions
    private let loop: EventLoop
    private let work: any BlockingWork
    private var exchange: Exchange?
    private var transport: Transport?
    private var preparation: Preparation?
    private var isPreparing = false
    /// Addresses not tried yet.
    private var candidates: [SocketAddress] = []
    private var wholeTimer: EventLoop.Token?
    private var stepTimer: EventLoop.Token?
    private var idleTimer: EventLoop.Token?

    public init(_ url: HTTPURL, options: ClientOptions, loop: EventLoop, work: any BlockingWork) {
        self.url = url
        self.options = options
        self.loop = loop
        self.work = work
    }

    deinit {
        for timer in [wholeTimer, stepTimer, idleTimer] { if let timer { loop.cancel(timer) } }
        transport?.close()
    }

    /// Whether a request is under way.
    public var isBusy: Bool { exchange != nil }

    /// Sends `request`; `completion` is called once, on the loop, and never from inside this call. A request that is
    /// under way is given up.
    public func send(_ request: ClientRequest, completion: @escaping Completion) {
        finish(.failure(ClientError(.cancelled, "another request takes its place")))
        cancel(&idleTimer)
        var limits = HTTPLimits(line: 16 << 10, head: 64 << 10)
        limits.body = options.bodyLimit
        exchange = Exchange(
            request: request, completion: completion,
            parser: HTTPResponseParser(method: request.method, limits: limits))
        arm(&wholeTimer, options.timeout) { [unowned self] in
            timedOut("\(url) has not answered in full within \(options.timeout)")
        }
        prepare()
    }

    /// Gives up what is under way, without a word, and the connection.
    public func close() {
        exchange = nil
        for timer in [wholeTimer, stepTimer, idleTimer] { if let timer { loop.cancel(timer) } }
        (wholeTimer, stepTimer, idleTimer) = (nil, nil, nil)
        drop()
    }

    // MARK: Towards a connection

    private func prepare() {
        arm(&stepTimer, options.connectTimeout) { [unowned self] in
            timedOut("resolving \(url.host) has taken more than \(options.connectTimeout)")
        }
        // A name server that does not answer holds a thread: never more than one for a client.
        guard !isPreparing else { return }
        isPreparing = true
        let (asked, how, previous, needsAddresses) = (url, options, preparation, transport == nil)
        work.run {
            Result { () throws(ClientError) -> Preparation in
                try Preparation.make(asked, how, previous: previous, needsAddresses: needsAddresses)
            }
        } then: { [weak self] result in
            self?.prepared(result)
        }
    }

    private func prepared(_ result: Result<Preparation, ClientError>) {
        isPreparing = false
        switch result {
        case .failure(let error): finish(.failure(error))
        case .success(let made):
            if made.context !== preparation?.context { drop() }
            preparation = made
            guard exchange != nil else { return }
            if transport != nil {
                exchange?.isOnKeptConnection = true
                return transmit()
            }
            // Closed since the preparation began: the addresses were not asked for.
            guard !made.addresses.isEmpty else { return prepare() }
            candidates = made.addresses
            connect(after: nil)
        }
    }

    private func connect(after failure: ClientError?) {
        guard exchange != nil else { return }
        guard !candidates.isEmpty else {
            return finish(.failure(failure ?? ClientError(.connection, "\(url.host) has no address")))
        }
        let address = candidates.removeFirst()
        // One that does not answer leaves time for the others.
        let share = Nanoseconds(options.connectTimeout.count / Int64(candidates.count + 1))
        arm(&stepTimer, share) { [unowned self] in
            let error = ClientError(.timeOut, "connect to \(address), port \(url.port): not within \(share)")
            transport?.close()
            transport = nil
            if candidates.isEmpty { timedOut(error.message) } else { connect(after: error) }
        }
        do {
            let tls = try preparation?.context.map { context in try TLSConnection(context, host: url.host) }
            let made = try Transport(loop, address, tls: tls)
            made.onOpen = { [unowned self] in transmit() }
            made.onBytes = { [unowned self] in received($0) }
            made.onEnd = { [unowned self] in ended($0) }
            transport = made
        } catch let error as SystemError {
            connect(after: ClientError(.connection, "\(error)"))
        } catch {
            connect(after: ClientError(.trust, "\(error)"))
        }
    }

    // MARK: Request and answer

    private func transmit() {
        guard let request = exchange?.request, let transport else { return }
        candidates = []
        var head = HTTPRequestHead(method: request.method, target: url.target)
        head.headers.append("Host", url.authority)
        head.headers.append("User-Agent", options.userAgent)
        for field in request.headers.fields + options.headers { head.headers.append(field.name, field.value) }
        if let token = preparation?.token { head.headers.append("Authorization", "Bearer \(token)") }
        if let body = request.body { head.headers.append("Content-Length", String(body.count)) }
        arm(&stepTimer, options.responseTimeout) { [unowned self] in
            timedOut("\(url) has not answered within \(options.responseTimeout)")
        }
        transport.send(HTTPSerializer.head(head) + (request.body ?? []))
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        // Nobody asked: such a connection is not trusted with another request.
        guard exchange != nil else { return drop() }
        exchange?.hasAnswer = true
        exchange?.parser.receive(bytes)
        pump()
    }

    private func pump() {
        do throws(HTTPError) {
            while let event = try exchange?.parser.next() { if !handle(event) { return } }
        } catch {
            drop()
            finish(.failure(ClientError(.answer, "\(url) gives no acceptable answer: \(error.message)")))
        }
    }

    /// - Returns: whether there is more to be had of the parser.
    private func handle(_ event: HTTPResponseParser.Event) -> Bool {
        switch event {
        case .informational: return true
        case .head(let head):
            cancel(&stepTimer)
            guard head.status != 101 else { return refuse("it switches to a protocol that was not asked for") }
            let encoding = head.headers.tokens("Content-Encoding").first { $0 != "identity" }
            guard encoding == nil else { return refuse("it is compressed, which was not asked for") }
            if let length = head.headers["Content-Length"].flatMap({ Int64($0) }), length > options.bodyLimit,
                exchange?.request.method != "HEAD"
            {
                return refuse("its body has \(length) bytes, more than \(options.bodyLimit)")
            }
            exchange?.head = head
            return true
        case .body(let bytes):
            exchange?.body.append(contentsOf: bytes)
            return true
        case .end:
            complete()
            return false
        }
    }

    private func refuse(_ why: String) -> Bool {
        drop()
        finish(.failure(ClientError(.answer, "\(url) gives no acceptable answer: \(why)")))
        return false
    }

    private func complete() {
        guard let exchange, let head = exchange.head else { return }
        // What follows an answer that nobody asked for belongs to no answer at all.
        let mayStay =
            head.keepsAlive && head.declaresLength || head.keepsAlive && [204, 304].contains(head.status)
        if mayStay, exchange.parser.buffered == 0, transport?.hasSentAll == true {
            arm(&idleTimer, options.idleTimeout) { [unowned self] in
                idleTimer = nil
                drop()
            }
        } else {
            drop()
        }
        finish(.success(ClientResponse(head: head, body: exchange.body)))
    }

    private func ended(_ error: ClientError?) {
        transport = nil
        cancel(&idleTimer)
        guard let current = exchange else { return }
        // A kept connection that the server has closed meanwhile says nothing of the request.
        if current.isOnKeptConnection, !current.hasAnswer {
            exchange?.isOnKeptConnection = false
            return prepare()
        }
        if let error {
            // A server that is there and not to be trusted is no reason to look for another.
            guard candidates.isEmpty || error.kind == .trust else { return connect(after: error) }
            return finish(.failure(error))
        }
        guard current.hasAnswer else {
            return finish(.failure(ClientError(.connection, "\(url) closed the connection without an answer")))
        }
        exchange?.parser.finish()
        pump()
    }

    // MARK: Ends

    private func timedOut(_ message: String) {
        drop()
        finish(.failure(ClientError(.timeOut, message)))
    }

    private func finish(_ result: Result<ClientResponse, ClientError>) {
        cancel(&wholeTimer)
        cancel(&stepTimer)
        guard let ended = exchange else { return }
        exchange = nil
        if case .failure = result { drop() }
        loop.enqueue { ended.completion(result) }
    }

    private func drop() {
        cancel(&idleTimer)
        candidates = []
        transport?.close()
        transport = nil
    }

    private func arm(_ timer: inout EventLoop.Token?, _ delay: Nanoseconds, _ handler: @escaping () -> Void) {
        cancel(&timer)
        timer = loop.schedule(after: delay, handler)
    }

    private func cancel(_ timer: inout EventLoop.Token?) {
        if let token = timer { loop.cancel(token) }
        timer = nil
    }
}

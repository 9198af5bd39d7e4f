import Base
import HTTP
import TLS

/// Asks one URL once, as a kubelet's probe does: over a connection of its own, without trust, following redirects
/// within the host.
public final class HTTPProbe {
    public enum Outcome: Hashable, Sendable {
        /// The beginning of the body.
        case success(String)
        /// It was sent to another host, and did not go; the beginning of the body.
        case redirected(String)
        /// In words that stand in an event.
        case failure(String)
        /// The answer began well and did not come whole.
        case unfinished(String)
    }

    /// Bytes of a body that are looked at.
    static let bodyLimit = 10 << 10
    static let redirectLimit = 10

    private let first: HTTPURL
    private let fields: [HTTPHeaders.Field]
    private let loop: EventLoop
    private let work: any BlockingWork
    private let trust: UnverifiedTLS
    private let acceptsEveryStatus: Bool
    private var url: HTTPURL
    private var redirects = 0
    private var connection: ProbeConnection?
    private var parser = HTTPResponseParser(method: "GET")
    private var hasAnswer = false
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var timer: EventLoop.Token?
    private var completion: ((Outcome) -> Void)?

    /// - Parameters:
    ///   - fields: take the place of those that are sent otherwise: `Host`, `User-Agent` and `Accept`, the last of
    ///     which an empty value takes away.
    ///   - acceptsEveryStatus: an answer is a success, whatever it says.
    ///   - completion: called once, on the loop and not from inside this call.
    public init(
        _ url: HTTPURL, fields: [HTTPHeaders.Field] = [], timeout: Nanoseconds, trust: UnverifiedTLS,
        acceptsEveryStatus: Bool = false, loop: EventLoop, work: any BlockingWork,
        completion: @escaping (Outcome) -> Void
    ) {
        (first, self.url) = (url, url)
        self.fields = fields
        self.trust = trust
        self.acceptsEveryStatus = acceptsEveryStatus
        self.loop = loop
        self.work = work
        self.completion = completion
        timer = loop.schedule(after: timeout) { [weak self] in self?.timedOut() }
        ask()
    }

    deinit { cancel() }

    /// Gives it up without a word.
    public func cancel() {
        completion = nil
        if let timer { loop.cancel(timer) }
        timer = nil
        connection?.close()
        connection = nil
    }

    // MARK: The request

    private func ask() {
        (hasAnswer, head, body) = (false, nil, [])
        parser = HTTPResponseParser(method: "GET", limits: HTTPLimits(line: 16 << 10, head: 64 << 10, body: .max))
        guard url.isSecure else { return connect(nil) }
        trust.prepare(work) { [weak self] result in
            guard let self, completion != nil else { return }
            switch result {
            case .success(let context): connect(context)
            case .failure(let error): fail(error.message)
            }
        }
    }

    private func connect(_ context: TLSContext?) {
        let made = ProbeConnection(url.host, url.port, context, loop: loop, work: work)
        made.onOpen = { [weak self] in self?.send() }
        made.onBytes = { [weak self] in self?.received($0) }
        made.onEnd = { [weak self] in self?.ended($0) }
        connection = made
        made.open()
    }

    private func send() {
        var head = HTTPRequestHead(method: "GET", target: url.target)
        let given = HTTPHeaders(fields)
        head.headers.append("Host", given["Host"].flatMap { $0.isEmpty ? nil : $0 } ?? Self.authority(url))
        if given["User-Agent"] == nil { head.headers.append("User-Agent", "kube-probe/1.36") }
        if given["Accept"] == nil { head.headers.append("Accept", "*/*") }
        head.headers.append("Connection", "close")
        for field in fields where !["host", "connection"].contains(field.name.lowercased()) {
            if field.value.isEmpty, field.name.lowercased() == "accept" { continue }
            head.headers.append(field.name, field.value)
        }
        connection?.send(HTTPSerializer.head(head))
    }

    /// With the port, also where it is the usual one.
    private static func authority(_ url: HTTPURL) -> String {
        url.host.contains(":") ? "[\(url.host)]:\(url.port)" : "\(url.host):\(url.port)"
    }

    // MARK: The answer

    private func received(_ bytes: UnsafeRawBufferPointer) {
        hasAnswer = true
        parser.receive(bytes)
        pump()
    }

    private func ended(_ message: String?) {
        connection = nil
        if let message { return broken(message) }
        guard hasAnswer else { return fail("EOF") }
        parser.finish()
        let asked = redirects
        pump()
        // What has come was no whole answer.
        if redirects == asked, completion != nil { broken("unexpected EOF") }
    }

    private func pump() {
        do throws(HTTPError) {
            while completion != nil, let event = try parser.next() {
                switch event {
                case .informational: break
                case .head(let head):
                    if !take(head) { return }
                case .body(let bytes):
                    body.append(contentsOf: bytes.prefix(Self.bodyLimit - body.count))
                    if body.count == Self.bodyLimit { return complete() }
                case .end: return complete()
                }
            }
        } catch {
            if head == nil {
                fail("net/http: HTTP/1.x transport connection broken: \(error.message)")
            } else {
                broken("unexpected EOF: \(error.message)")
            }
        }
    }

    /// - Returns: whether the body is to be looked at.
    private func take(_ head: HTTPResponseHead) -> Bool {
        self.head = head
        guard acceptsEveryStatus || (200..<400).contains(head.status) else {
            // Not with the body, which may hold what only the pod's owner is to see.
            finish(.failure("HTTP probe failed with statuscode: \(head.status)"))
            return false
        }
        guard [301, 302, 303, 307, 308].contains(head.status), let location = head.headers["Location"],
            !location.isEmpty
        else { return true }
        guard let next = url.resolving(location) else {
            fail("failed to parse Location header \"\(location)\"")
            return false
        }
        guard next.host == first.host else { return true }
        redirects += 1
        guard redirects < Self.redirectLimit else {
            fail("stopped after \(Self.redirectLimit) redirects")
            return false
        }
        connection?.close()
        connection = nil
        url = next
        ask()
        return false
    }

    private func complete() {
        guard let head else { return }
        let text = String(decoding: body, as: UTF8.self)
        finish(head.status < 300 ? .success(text) : .redirected(text))
    }

    // MARK: Ends

    private func timedOut() {
        timer = nil
        if head == nil {
            fail("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
        } else {
            broken("context deadline exceeded (Client.Timeout or context cancellation while reading body)")
        }
    }

    /// The connection is of no use any more.
    private func broken(_ message: String) {
        if head == nil { fail(message) } else { finish(.unfinished(message)) }
    }

    private func fail(_ message: String) {
        let scheme = url.isSecure ? "https" : "http"
        finish(.failure("Get \"\(scheme)://\(Self.authority(url))\(url.target)\": \(message)"))
    }

    private func finish(_ outcome: Outcome) {
        let handler = completion
        cancel()
        handler?(outcome)
    }
}

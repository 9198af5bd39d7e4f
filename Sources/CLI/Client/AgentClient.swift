import Base
import CLinux
import HTTP
import JSON

/// A connection to the agent: blocking, one request at a time.
final class AgentClient {
    private let socket: FileDescriptor
    private var parser = HTTPResponseParser(method: "GET")
    /// When what is read must have come; nil for no limit.
    var deadline: BootInstant?

    /// - Throws: `CLIError` with what to do when the agent cannot be reached.
    init(path: String) throws(CLIError) {
        let raw = swl_unix_socket(path, 0, 0)
        let error = Errno.current
        guard raw >= 0 else { throw Self.unreachable(path, error) }
        socket = FileDescriptor(adopting: raw)
    }

    static func unreachable(_ path: String, _ error: Errno) -> CLIError {
        let folder = path.hasSuffix("/run/swiftlet/swiftlet.sock") ? String(path.dropLast(27)) : ""
        let start =
            folder.isEmpty
            ? "start it with \"systemctl start swiftletd\", or name its folder with --root"
            : "start it with \"swiftletd --root \(folder)\""
        switch error {
        case .noEntry, .notDirectory: return CLIError(.unreachable, "the agent is not running: no \(path); \(start)")
        case .connectionRefused:
            return CLIError(.unreachable, "the agent has stopped: nobody listens at \(path); \(start)")
        case .accessDenied, .notPermitted:
            return CLIError(.unreachable, "\(path) is root's; run this command as root, with sudo for example")
        default: return CLIError(.unreachable, "cannot reach the agent at \(path): \(error)")
        }
    }

    /// Sends a request and gives the whole body.
    ///
    /// - Throws: `CLIError` with the agent's sentence for any status but 200.
    func request(_ method: String, _ target: RequestTarget) throws(CLIError) -> [UInt8] {
        var body: [UInt8] = []
        try stream(method, target) { body += $0 }
        return body
    }

    /// The same with a body.
    func request(
        _ method: String, _ target: RequestTarget, body: JSONValue, type: String
    ) throws(CLIError) -> [UInt8] {
        let bytes = JSONWriter().bytes(body)
        try send(method, target, ["Content-Type": type, "Content-Length": String(bytes.count)])
        // An answer that comes before the end is a refusal: it says why.
        _ = write(bytes)
        var answer: [UInt8] = []
        try readResponse { (part) throws(CLIError) in
            answer += part
            return true
        }
        return answer
    }

    func json(_ method: String, _ target: RequestTarget) throws(CLIError) -> JSONValue {
        try Self.parse(try request(method, target))
    }

    static func parse(_ bytes: [UInt8]) throws(CLIError) -> JSONValue {
        do throws(JSONError) {
            return try JSONParser.parse(bytes, limits: .init(bytes: 1 << 30))
        } catch {
            throw .failed("the agent's answer cannot be read: \(error)")
        }
    }

    /// Sends a request and hands the body over as it comes.
    func stream(
        _ method: String, _ target: RequestTarget, _ receive: ([UInt8]) throws(CLIError) -> Void
    ) throws(CLIError) {
        try send(method, target)
        try readResponse { (part) throws(CLIError) in
            try receive(part)
            return true
        }
    }

    /// The same with one JSON object a line.
    func lines(
        _ method: String, _ target: RequestTarget, _ receive: (JSONValue) throws(CLIError) -> Void
    ) throws(CLIError) {
        _ = try lineByLine(method, target) { (line) throws(CLIError) in
            try receive(line)
            return true
        }
    }

    /// The same until `receive` says that it is enough; the connection is of no use afterwards.
    ///
    /// - Returns: false when it was never enough, and the answer came to its end.
    func lineByLine(
        _ method: String, _ target: RequestTarget, _ receive: (JSONValue) throws(CLIError) -> Bool
    ) throws(CLIError) -> Bool {
        try send(method, target)
        return try takeLines(receive)
    }

    /// Takes an answer of one JSON object a line, until `receive` says that it is enough.
    private func takeLines(_ receive: (JSONValue) throws(CLIError) -> Bool) throws(CLIError) -> Bool {
        var rest: [UInt8] = []
        var isEnough = false
        try readResponse { (bytes) throws(CLIError) in
            rest += bytes
            var start = rest.startIndex
            while !isEnough, let end = rest[start...].firstIndex(of: 0x0A) {
                isEnough = !(try receive(try Self.parse(Array(rest[start..<end]))))
                start = end + 1
            }
            rest.removeSubrange(..<start)
            return !isEnough
        }
        return isEnough
    }

    // MARK: Several at once

    /// The connection's number, to wait for what comes with others.
    var descriptor: Int32 { socket.raw }

    /// Sends a request whose answer is taken with `take`.
    func begin(_ method: String, _ target: RequestTarget) throws(CLIError) {
        answer = Answer()
        try send(method, target)
    }

    /// Takes what has come of the answer, waiting for something when there is nothing.
    ///
    /// - Returns: false at its end.
    /// - Throws: `CLIError` with the agent's sentence for any status but 200.
    func take(_ body: ([UInt8]) throws(CLIError) -> Void) throws(CLIError) -> Bool {
        try receive()
        while let event = try nextEvent() {
            switch event {
            case .head(let head): answer.refusal = head.status == 200 ? nil : head
            case .body(let part) where answer.refusal == nil: try body(part)
            case .body(let part): answer.message += part.prefix(max(0, 65536 - answer.message.count))
            case .informational: break
            case .end:
                if let refusal = answer.refusal { throw Self.refused(refusal, answer.message) }
                return false
            }
        }
        return true
    }

    /// What has come so far of an answer that is taken in pieces.
    private struct Answer {
        var refusal: HTTPResponseHead?
        var message: [UInt8] = []
    }

    private var answer = Answer()

    // MARK: Bodies

    /// Sends a request whose body is what `read` gives, to its end; the answer is one JSON object a line.
    func upload(
        _ target: RequestTarget, _ read: () throws(CLIError) -> [UInt8],
        lines receive: (JSONValue) throws(CLIError) -> Void
    ) throws(CLIError) {
        try send("POST", target, ["Transfer-Encoding": "chunked"])
        while true {
            let piece = try read()
            if piece.isEmpty { break }
            // An answer that comes before the end is a refusal: it says why.
            guard write(HTTPSerializer.chunk(piece)) else { break }
        }
        _ = write(HTTPSerializer.lastChunk)
        _ = try takeLines { (line) throws(CLIError) in
            try receive(line)
            return true
        }
    }

    /// Asks for a switch of protocols; afterwards the connection belongs to the caller.
    ///
    /// - Returns: the connection and what has come on it already.
    func upgrade(_ target: RequestTarget, to name: String) throws(CLIError) -> (SharedDescriptor, [UInt8]) {
        try send("POST", target, ["Connection": "Upgrade", "Upgrade": name])
        var refusal: HTTPResponseHead?
        var body: [UInt8] = []
        while true {
            guard let event = try nextEvent() else {
                try receive()
                continue
            }
            switch event {
            case .head(let head) where head.status == 101:
                do throws(SystemError) { return (SharedDescriptor(try socket.duplicate()), parser.takeRest()) } catch {
                    throw .failed("\(error)")
                }
            case .head(let head): refusal = head
            case .body(let part): body += part.prefix(max(0, 65536 - body.count))
            case .informational: break
            case .end: throw Self.refused(refusal, body)
            }
        }
    }

    // MARK: Wire

    private func send(_ method: String, _ target: RequestTarget, _ headers: HTTPHeaders = [:]) throws(CLIError) {
        var all: HTTPHeaders = ["Host": "swiftlet"]
        for field in headers.fields { all.append(field.name, field.value) }
        parser.method = method
        // A refusal may already wait to be read: a send that fails is judged by what was answered.
        _ = write(HTTPSerializer.head(HTTPRequestHead(method: method, target: target.text, headers: all)))
    }

    /// False when the agent does not take more.
    private func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let n = rest.withUnsafeBytes { CLinux.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if n < 0 {
                if Errno.current == .interrupted { continue }
                return false
            }
            rest = rest.dropFirst(n)
        }
        return true
    }

    /// Hands the body over until `receive` says false.
    private func readResponse(_ receive: ([UInt8]) throws(CLIError) -> Bool) throws(CLIError) {
        var refusal: HTTPResponseHead?
        var message: [UInt8] = []
        while true {
            guard let event = try nextEvent() else {
                try self.receive()
                continue
            }
            switch event {
            case .head(let head): refusal = head.status == 200 ? nil : head
            case .body(let part) where refusal == nil: if !(try receive(part)) { return }
            case .body(let part): message += part.prefix(max(0, 65536 - message.count))
            case .informational: break
            case .end:
                if let refusal { throw Self.refused(refusal, message) }
                return
            }
        }
    }

    private func nextEvent() throws(CLIError) -> HTTPResponseParser.Event? {
        do throws(HTTPError) { return try parser.next() } catch {
            throw CLIError(.unreachable, "the agent went away: \(error)")
        }
    }

    private func receive() throws(CLIError) {
        if let deadline { try waitForInput(until: deadline) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let n = read(socket.raw, &buffer, buffer.count)
        if n > 0 { return parser.receive(Array(buffer[..<n])) }
        let error = Errno.current
        if n < 0, error == .interrupted { return }
        parser.finish()
        if try nextEventIsNone() {
            throw CLIError(.unreachable, "the agent closed the connection without an answer; see its log")
        }
    }

    private func waitForInput(until deadline: BootInstant) throws(CLIError) {
        while true {
            let left = (deadline - BootInstant.now).count
            guard left > 0 else { throw .timedOut }
            var polled = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
            // Rounded up, so that the last turn waits for the deadline and does not spin.
            if poll(&polled, 1, Int32(clamping: left / 1_000_000 + 1)) > 0 { return }
        }
    }

    /// Whether the connection ended between two responses. (The end of a body is left for the caller to take.)
    private func nextEventIsNone() throws(CLIError) -> Bool {
        var copy = parser
        do throws(HTTPError) { return try copy.next() == nil } catch {
            throw CLIError(.unreachable, "the agent went away: \(error)")
        }
    }

    private static func refused(_ head: HTTPResponseHead?, _ body: [UInt8]) -> CLIError {
        var message = String(decoding: body, as: UTF8.self)
        while message.hasSuffix("\n") { message.removeLast() }
        if message.isEmpty { message = head.map { "\($0.status) \($0.reason)" } ?? "no answer" }
        return .failed(message)
    }
}

import HTTP
import JSON

/// A process over WebSocket, as the kubelet speaks it for `exec` and `attach`.
struct ProcessWire: SessionWire {
    /// The streams that a client asks for.
    struct Streams: Equatable {
        var stdin: Bool
        var stdout: Bool
        var stderr: Bool

        /// Reads the parameters of the kubelet (`input`, `output`, `error`) or those of the API server (`stdin` and so
        /// on).
        init(_ target: RequestTarget) throws(NodeServiceError) {
            func flag(_ kubelet: String, _ server: String) throws(NodeServiceError) -> Bool {
                try LogOptions.flag(target, kubelet) ? true : try LogOptions.flag(target, server)
            }
            stdin = try flag("input", "stdin")
            stdout = try flag("output", "stdout")
            let wantsErrors = try flag("error", "stderr")
            // A terminal has one output.
            stderr = try LogOptions.flag(target, "tty") ? false : wantsErrors
            guard stdin || stdout || stderr else {
                throw .badRequest("you must specify at least 1 of stdin, stdout, stderr")
            }
        }
    }

    private enum Channel {
        static let stdin = 0
        static let stdout = 1
        static let stderr = 2
        static let error = 3
        static let resize = 4
    }

    private let streams: Streams
    private var codec: ChannelCodec

    init(_ channels: ChannelProtocol, _ streams: Streams) {
        codec = ChannelCodec(channels)
        self.streams = streams
    }

    let partLimit = 32 << 10

    /// An empty message tells that the connection stands.
    var greeting: [UInt8] {
        codec.message(streams.stdout ? Channel.stdout : streams.stderr ? Channel.stderr : Channel.error, [])
    }

    mutating func receive(_ bytes: [UInt8]) { codec.receive(bytes) }

    mutating func next() throws(SessionWireError) -> SessionSignal? {
        while let event = try codec.next() {
            switch event {
            case .data(Channel.stdin, let bytes):
                if streams.stdin, !bytes.isEmpty { return .input(session: 0, bytes) }
            case .data(Channel.resize, let bytes): if !bytes.isEmpty { return try Self.resize(bytes) }
            // The kubelet passes over what is sent to other channels, too.
            case .data: break
            case .halfClose(Channel.stdin): if streams.stdin { return .endOfInput(session: 0) }
            case .halfClose: break
            case .reply(let bytes): return .reply(bytes)
            case .close: return .close
            }
        }
        return nil
    }

    private static func resize(_ bytes: [UInt8]) throws(SessionWireError) -> SessionSignal {
        do throws(JSONError) {
            let message = try JSONParser.parse(bytes, limits: .init(bytes: 4096, depth: 4))
            return .resize(
                rows: UInt16(clamping: try message.requiredInteger("Height")),
                columns: UInt16(clamping: try message.requiredInteger("Width")))
        } catch {
            throw SessionWireError(
                code: WebSocketCloseCode.invalidData.rawValue, message: "resize: expected Width and Height: \(error)")
        }
    }

    func output(_ session: Int, _ stream: ExecClient.Stream, _ bytes: ArraySlice<UInt8>) -> [UInt8] {
        switch stream {
        case .standardOutput: streams.stdout ? codec.message(Channel.stdout, bytes) : []
        case .standardError: streams.stderr ? codec.message(Channel.stderr, bytes) : []
        }
    }

    func finished(_ session: Int, _ result: Result<Int32, NodeServiceError>) -> [UInt8] {
        let status = ProcessStatus(result)
        if codec.channels.version >= .fourth {
            return codec.message(Channel.error, JSONWriter().bytes(status.json))
        }
        return status.message.isEmpty ? [] : codec.message(Channel.error, Array(status.message.utf8))
    }

    func end(_ error: SessionWireError?) -> [UInt8] { codec.end(error) }
}

import JSON
import PodProtocol

/// Our own exec protocol: the frames that agent and supervisor speak. See docs/api.md.
struct FrameWire: SessionWire {
    static let name = "swiftlet-exec.v1"

    private var decoder = FrameDecoder()

    let partLimit = 1 << 20
    let greeting: [UInt8] = []

    mutating func receive(_ bytes: [UInt8]) { decoder.append(bytes) }

    mutating func next() throws(SessionWireError) -> SessionSignal? {
        do {
            while let frame = try decoder.next() {
                if let signal = try Self.signal(frame) { return signal }
            }
            return nil
        } catch {
            throw SessionWireError(message: "the client does not speak \(Self.name): \(error)")
        }
    }

    private static func signal(_ frame: Frame) throws -> SessionSignal? {
        switch frame.channel {
        case .standardInput: return frame.payload.isEmpty ? .endOfInput(session: 0) : .input(session: 0, frame.payload)
        case .control:
            let message = try JSONParser.parse(frame.payload, limits: .init(bytes: 4096, depth: 4))
            // Messages of newer clients that mean nothing here are passed over.
            guard try message.requiredString("type") == "resize" else { return nil }
            return .resize(
                rows: UInt16(clamping: try message.requiredInteger("rows")),
                columns: UInt16(clamping: try message.requiredInteger("columns")))
        default: return nil
        }
    }

    func output(_ session: Int, _ stream: ExecClient.Stream, _ bytes: ArraySlice<UInt8>) -> [UInt8] {
        Frame(stream == .standardOutput ? .standardOutput : .standardError, Array(bytes)).bytes
    }

    func finished(_ session: Int, _ result: Result<Int32, NodeServiceError>) -> [UInt8] {
        switch result {
        case .success(let code): Self.control(["type": "exit", "code": .integer(code)])
        case .failure(let error): Self.control(["type": "error", "message": .string(error.message)])
        }
    }

    func end(_ error: SessionWireError?) -> [UInt8] {
        error.map { Self.control(["type": "error", "message": .string($0.message)]) } ?? []
    }

    private static func control(_ message: JSONValue) -> [UInt8] { Frame(.control, JSONWriter().bytes(message)).bytes }
}

/// One unary call of `grpc.health.v1.Health/Check` on a connection of its own: the bytes to be sent, and the answer
/// found in the bytes that come. It performs no input or output.
///
/// HTTP/2 is spoken as far as one request needs it. The answer is the first message of the stream; of the header blocks
/// nothing is read, so that no state of their compression is kept. A call that fails has no message, whatever they say.
struct HealthCheck {
    enum Answer: Hashable {
        /// A `HealthCheckResponse.ServingStatus`; 1 is SERVING.
        case status(UInt64)
        /// Why there is no answer.
        case failure(String)
    }

    /// What came and is not understood yet.
    private var buffer: [UInt8] = []
    private var message: [UInt8] = []
    /// What is to be sent: acknowledgements.
    private var output: [UInt8] = []

    /// No frame is larger unless it is allowed to be.
    private static let frameLimit = 16384
    private static let messageLimit = 4096
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private enum Frame {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        /// END_STREAM, and ACK of settings and pings.
        static let last: UInt8 = 1
        static let endOfHeaders: UInt8 = 4
        static let padded: UInt8 = 8
    }

    // MARK: The request

    static func request(authority: String, service: String) -> [UInt8] {
        // Post, http, and the rest without compression: indices of RFC 7541's static table for the names it has.
        var block: [UInt8] = [0x83, 0x86]
        block += field([0x04], "/grpc.health.v1.Health/Check")
        block += field([0x01], authority)
        block += field([0x0F, 31 - 15], "application/grpc")
        block += field([0x00] + text("te"), "trailers")
        block += field([0x0F, 58 - 15], "kube-probe/1.36")
        var call: [UInt8] = []
        if !service.isEmpty { call = [0x0A] + varint(service.utf8.count) + Array(service.utf8) }
        return preface + frame(Frame.settings, 0, stream: 0, [])
            + frame(Frame.headers, Frame.endOfHeaders, stream: 1, block)
            + frame(Frame.data, Frame.last, stream: 1, [0] + bytes(call.count) + call)
    }

    private static func field(_ name: [UInt8], _ value: String) -> [UInt8] { name + text(value) }

    private static func text(_ text: String) -> [UInt8] {
        let count = text.utf8.count
        return (count < 127 ? [UInt8(count)] : [127] + varint(count - 127)) + Array(text.utf8)
    }

    private static func varint(_ number: Int) -> [UInt8] {
        var rest = number
        var out: [UInt8] = []
        while rest >= 128 {
            out.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return out + [UInt8(rest)]
    }

    private static func bytes(_ number: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    private static func frame(_ type: UInt8, _ flags: UInt8, stream: Int, _ payload: [UInt8]) -> [UInt8] {
        Array(bytes(payload.count).dropFirst()) + [type, flags] + bytes(stream) + payload
    }

    // MARK: The answer

    /// What is to be sent now.
    mutating func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }

    /// Takes what came; the answer once it is there.
    mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Answer? {
        buffer.append(contentsOf: bytes)
        while buffer.count >= 9 {
            let size = Int(buffer[0]) << 16 | Int(buffer[1]) << 8 | Int(buffer[2])
            guard size <= Self.frameLimit else { return .failure("the server speaks no HTTP/2") }
            guard buffer.count >= 9 + size else { return nil }
            let (type, flags) = (buffer[3], buffer[4])
            let payload = Array(buffer[9..<9 + size])
            buffer.removeFirst(9 + size)
            if let answer = take(type, flags, payload) { return answer }
        }
        return nil
    }

    /// A frame of the connection, or of its only stream.
    private mutating func take(_ type: UInt8, _ flags: UInt8, _ payload: [UInt8]) -> Answer? {
        switch type {
        case Frame.settings:
            if flags & Frame.last == 0 { output += Self.frame(Frame.settings, Frame.last, stream: 0, []) }
        case Frame.ping:
            if flags & Frame.last == 0 { output += Self.frame(Frame.ping, Frame.last, stream: 0, payload) }
        case Frame.reset: return .failure("the server gave the call up")
        case Frame.goAway: return .failure("the server ends the connection")
        case Frame.headers:
            if flags & Frame.last != 0 { return .failure(Self.noMessage) }
        case Frame.data:
            var data = payload[...]
            if flags & Frame.padded != 0 {
                guard let padding = data.popFirst(), Int(padding) <= data.count else {
                    return .failure("the server speaks no HTTP/2")
                }
                data.removeLast(Int(padding))
            }
            message += data
            if let answer = decoded() { return answer }
            if flags & Frame.last != 0 { return .failure(Self.noMessage) }
        default: break
        }
        return nil
    }

    private static let noMessage =
        "the server has no status for the service, or does not implement grpc.health.v1.Health"

    /// The message, once it is whole.
    private func decoded() -> Answer? {
        guard message.count >= 5 else { return nil }
        let size = message[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard message[0] == 0, size <= Self.messageLimit else { return .failure("the answer is no health status") }
        guard message.count >= 5 + size else { return nil }
        var rest = message[5..<5 + size]
        var status: UInt64 = 0
        while !rest.isEmpty {
            guard let tag = Self.number(&rest) else { return .failure("the answer is no health status") }
            switch tag & 7 {
            case 0:
                guard let value = Self.number(&rest) else { return .failure("the answer is no health status") }
                if tag == 8 { status = value }
            case 2:
                guard let count = Self.number(&rest), count <= UInt64(rest.count) else {
                    return .failure("the answer is no health status")
                }
                rest.removeFirst(Int(count))
            default: return .failure("the answer is no health status")
            }
        }
        return .status(status)
    }

    private static func number(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 127) << shift
            if byte < 128 { return value }
        }
        return nil
    }
}

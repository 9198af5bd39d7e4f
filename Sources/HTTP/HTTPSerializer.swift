/// Writes heads and chunks. Bytes that would end a line early are replaced with spaces, so that no value that came from
/// elsewhere can add a field or a second message.
public enum HTTPSerializer {
    public static func head(_ request: HTTPRequestHead) -> [UInt8] {
        var out: [UInt8] = []
        put("\(request.method) \(request.target) \(name(request.version))", into: &out)
        return finish(&out, request.headers)
    }

    public static func head(_ response: HTTPResponseHead) -> [UInt8] {
        var out: [UInt8] = []
        put("\(name(response.version)) \(response.status) \(response.reason)", into: &out)
        return finish(&out, response.headers)
    }

    /// `100 Continue`, for a client that waits for it.
    public static var goOn: [UInt8] { Array("HTTP/1.1 100 Continue\r\n\r\n".utf8) }

    /// One chunk of a chunked body; nothing for no bytes, since an empty chunk is the last one.
    public static func chunk(_ bytes: some Collection<UInt8>) -> [UInt8] {
        guard !bytes.isEmpty else { return [] }
        var out = Array(String(bytes.count, radix: 16).utf8)
        out.reserveCapacity(bytes.count + 12)
        out.append(contentsOf: [0x0D, 0x0A])
        out.append(contentsOf: bytes)
        out.append(contentsOf: [0x0D, 0x0A])
        return out
    }

    /// The end of a chunked body.
    public static var lastChunk: [UInt8] { Array("0\r\n\r\n".utf8) }

    private static func name(_ version: HTTPVersion) -> String { version == .http11 ? "HTTP/1.1" : "HTTP/1.0" }

    private static func put(_ line: String, into out: inout [UInt8]) {
        for c in line.utf8 { out.append(ASCII.isFieldByte(c) ? c : 0x20) }
        out.append(contentsOf: [0x0D, 0x0A])
    }

    private static func finish(_ out: inout [UInt8], _ headers: HTTPHeaders) -> [UInt8] {
        for field in headers.fields { put("\(field.name): \(field.value)", into: &out) }
        out.append(contentsOf: [0x0D, 0x0A])
        return out
    }
}

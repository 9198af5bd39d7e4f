/// Cuts a stream of bytes into frames. It holds at most one frame and what came with it.
public struct FrameDecoder: Sendable {
    /// Bytes that are no frame: the connection cannot be used further.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The length that was announced.
        public var length: UInt32
        public var description: String {
            length == 0
                ? "a frame without a channel"
                : "a frame of \(length) bytes, more than the \(Frame.maximumLength) allowed"
        }
    }

    private var buffer: [UInt8] = []
    private var start = 0

    public init() {}

    /// Adds what was read.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        compact()
        buffer.append(contentsOf: bytes)
    }

    public mutating func append(_ bytes: [UInt8]) {
        compact()
        buffer.append(contentsOf: bytes)
    }

    /// The next complete frame; nil when more bytes are needed.
    ///
    /// - Throws: `Failure` when the stream announces a frame that cannot be.
    public mutating func next() throws(Failure) -> Frame? {
        let count = buffer.count - start
        guard count >= 4 else { return nil }
        var length: UInt32 = 0
        for byte in buffer[start..<start + 4] { length = length << 8 | UInt32(byte) }
        guard length >= 1, length <= UInt32(Frame.maximumLength) else { throw Failure(length: length) }
        let total = 4 + Int(length)
        guard count >= total else { return nil }
        let channel = Frame.Channel(rawValue: buffer[start + 4])
        let payload = Array(buffer[start + 5..<start + total])
        start += total
        if start == buffer.count {
            start = 0
            buffer = []
        }
        return Frame(channel, payload)
    }

    /// Bytes that wait for the rest of their frame.
    public var pendingCount: Int { buffer.count - start }

    private mutating func compact() {
        guard start > 0 else { return }
        buffer.removeFirst(start)
        start = 0
    }
}

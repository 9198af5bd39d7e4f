/// What travels: bytes of one channel. On the wire: a 32-bit big-endian length of what follows, the channel, the
/// payload.
public struct Frame: Hashable, Sendable {
    /// The most bytes of channel and payload together.
    public static let maximumLength = 4 << 20
    /// The most bytes of the length field and the channel.
    public static let headerLength = 5

    public var channel: Channel
    public var payload: [UInt8]

    public init(_ channel: Channel, _ payload: [UInt8]) {
        self.channel = channel
        self.payload = payload
    }

    /// Which stream of a connection a frame belongs to.
    public struct Channel: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// JSON messages.
        public static let control = Channel(rawValue: 0)
        /// To the session's process. An empty frame is the end of the stream.
        public static let standardInput = Channel(rawValue: 1)
        public static let standardOutput = Channel(rawValue: 2)
        public static let standardError = Channel(rawValue: 3)
    }

    /// Appends the frame of `payload` to `out`. A payload that does not fit one frame is a mistake of the caller; use
    /// `fits` where its size comes from outside.
    public static func append(
        _ channel: Channel, _ payload: UnsafeRawBufferPointer, to out: inout [UInt8]
    ) {
        appendHeader(channel, payloadLength: payload.count, to: &out)
        out.append(contentsOf: payload)
    }

    /// The same for bytes in an array.
    public static func append(_ channel: Channel, _ payload: [UInt8], to out: inout [UInt8]) {
        appendHeader(channel, payloadLength: payload.count, to: &out)
        out.append(contentsOf: payload)
    }

    /// Whether a payload of this many bytes fits one frame.
    public static func fits(_ count: Int) -> Bool { count < maximumLength }

    /// The frame as it travels.
    public var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(payload.count + Self.headerLength)
        Self.append(channel, payload, to: &out)
        return out
    }

    private static func appendHeader(_ channel: Channel, payloadLength: Int, to out: inout [UInt8]) {
        let length = UInt32(clamping: payloadLength + 1)
        out.append(UInt8(truncatingIfNeeded: length >> 24))
        out.append(UInt8(truncatingIfNeeded: length >> 16))
        out.append(UInt8(truncatingIfNeeded: length >> 8))
        out.append(UInt8(truncatingIfNeeded: length))
        out.append(channel.rawValue)
    }
}

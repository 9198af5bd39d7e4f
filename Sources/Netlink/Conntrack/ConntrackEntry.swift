/// A tracked connection.
public struct ConntrackEntry: Sendable, Hashable {
    /// One direction of it.
    public struct Tuple: Sendable, Hashable {
        /// 4 or 16 bytes in network order.
        public var source: [UInt8] = []
        public var destination: [UInt8] = []
        public var sourcePort: UInt16 = 0
        public var destinationPort: UInt16 = 0
    }

    public var isIPv6: Bool
    /// The number of TCP, UDP and so on.
    public var transportProtocol: UInt8
    /// As its first packet came.
    public var original: Tuple
    /// As answers come: the source is what the destination was translated to.
    public var reply: Tuple
    /// The kernel's number, which tells it from a later connection between the same ends.
    var identifier: UInt32?
}

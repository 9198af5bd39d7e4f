/// A token bucket that limits what an interface sends: packets above the rate wait, and those for which there is no room
/// any more are dropped.
public struct TrafficShaper: Sendable, Hashable {
    /// A network of IPv4 or IPv6.
    public struct Network: Sendable, Hashable {
        /// 4 or 16 bytes.
        public var address: [UInt8]
        /// In bits.
        public var prefixLength: Int

        public init(_ address: [UInt8], prefixLength: Int) {
            self.address = address
            self.prefixLength = prefixLength
        }
    }

    /// Which packets are limited.
    public enum Scope: Sendable, Hashable {
        case all
        case except([Network])
        case only([Network])

        /// Nil for all.
        var networks: [Network]? {
            switch self {
            case .all: nil
            case .except(let networks), .only(let networks): networks
            }
        }
    }

    /// The address of a packet that `Scope` names.
    public enum Side: Sendable, Hashable {
        case source
        case destination
    }

    /// Bytes a second.
    public var rate: UInt64
    /// Bytes that may be sent at once after a pause: at least a packet.
    public var burst: UInt32
    public var scope: Scope
    public var side: Side

    public init(rate: UInt64, burst: UInt32, scope: Scope = .all, side: Side = .destination) {
        self.rate = rate
        self.burst = burst
        self.scope = scope
        self.side = side
    }

    /// The time that the burst takes at the rate, in the kernel's ticks of 64 ns.
    var ticks: UInt32 {
        guard rate > 0 else { return .max }
        let (seconds, rest) = UInt64(burst).quotientAndRemainder(dividingBy: rate)
        // Both factors have at most 32 bits, unless the rate is beyond any link.
        let part = rest.multipliedReportingOverflow(by: Self.ticksPerSecond)
        let ticks = (part.overflow ? 0 : part.partialValue / rate) &+ seconds * Self.ticksPerSecond
        return UInt32(clamping: ticks)
    }

    /// How many bytes may wait: as many as the rate takes in 25 ms, and a burst.
    var limit: UInt32 { UInt32(clamping: rate / 40 + UInt64(burst)) }

    private static let ticksPerSecond: UInt64 = 1_000_000_000 / 64

    /// Whether the kernel, which rounds, has these numbers.
    func isLike(rate: UInt64, ticks: UInt32) -> Bool {
        let distance = max(ticks, self.ticks) - min(ticks, self.ticks)
        return rate == self.rate && UInt64(distance) <= UInt64(self.ticks) / 100 + 1
    }
}

/// Networks and the order of addresses.
extension IPPrefix {
    /// The network that it is an address of: the bits behind the prefix are zero.
    public var network: IPPrefix { replacingHostBits(with: 0) }

    /// The last address of the network: of IPv4, its broadcast address.
    public var lastAddress: [UInt8] { replacingHostBits(with: 0xFF).address }

    private func replacingHostBits(with filler: UInt8) -> IPPrefix {
        var bytes = address
        for index in bytes.indices {
            // How many bits of this byte belong to the network.
            let kept = min(max(length - index * 8, 0), 8)
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> kept)
            bytes[index] = bytes[index] & mask | filler & ~mask
        }
        return IPPrefix(address: bytes, length: length) ?? self
    }

    /// Whether an address, 4 or 16 bytes, is one of the network.
    public func contains(_ other: [UInt8]) -> Bool {
        IPPrefix(address: other, length: length).map { other.count == address.count && $0.network == network } ?? false
    }

    /// Whether the networks have addresses in common.
    public func overlaps(_ other: IPPrefix) -> Bool {
        length <= other.length ? contains(other.address) : other.contains(address)
    }

    /// The address behind `bytes`; nil for the very last.
    public static func successor(_ bytes: [UInt8]) -> [UInt8]? {
        var next = bytes
        for index in next.indices.reversed() {
            next[index] &+= 1
            if next[index] != 0 { return next }
        }
        return nil
    }

    /// Whether `a` comes before `b`, of the same family.
    public static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.lexicographicallyPrecedes(b) }
}

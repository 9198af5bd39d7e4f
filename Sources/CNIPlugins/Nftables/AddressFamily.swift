import Netlink

/// What differs between IPv4 and IPv6 in our rules.
enum AddressFamily: Sendable, Hashable, CaseIterable {
    case ipv4
    case ipv6

    /// ::1
    static let ipv6Loopback = [UInt8](repeating: 0, count: 15) + [1]

    init(of address: [UInt8]) { self = address.count == 16 ? .ipv6 : .ipv4 }

    var nftables: NftablesFamily { self == .ipv6 ? .ipv6 : .ipv4 }
    /// As the names of our sets and chains end.
    var suffix: String { self == .ipv6 ? "_ip6" : "_ip" }
    var field: NftablesSet.Field { self == .ipv6 ? .ipv6Address : .ipv4Address }
    /// Bytes.
    var size: Int { self == .ipv6 ? 16 : 4 }

    /// A rule's steps that take only packets of this family.
    func only() -> [NftablesExpression] {
        [.meta(.networkFamily, into: .first), .compare(.first, .equal, value: [nftables.rawValue])]
    }

    func source(into register: NftablesRegister) -> NftablesExpression {
        .payload(.network, offset: self == .ipv6 ? 8 : 12, length: UInt32(size), into: register)
    }

    func destination(into register: NftablesRegister) -> NftablesExpression {
        .payload(.network, offset: self == .ipv6 ? 24 : 16, length: UInt32(size), into: register)
    }

    /// The bytes of a network mask.
    func mask(_ length: Int) -> [UInt8] {
        (0..<size).map { index in
            let bits = max(0, min(8, length - index * 8))
            return bits == 0 ? 0 : 0xFF << UInt8(8 - bits)
        }
    }
}

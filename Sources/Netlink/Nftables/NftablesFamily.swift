/// The packets that an nftables table sees (`NFPROTO_*`).
public enum NftablesFamily: UInt8, Sendable, Hashable {
    /// Not a table's; asks for those of all families.
    case unspecified = 0
    /// IPv4 and IPv6.
    case inet = 1
    case ipv4 = 2
    case arp = 3
    case netdev = 5
    case bridge = 7
    case ipv6 = 10

    /// As the program `nft` writes it.
    public var name: String {
        switch self {
        case .unspecified: "unspecified"
        case .inet: "inet"
        case .ipv4: "ip"
        case .arp: "arp"
        case .netdev: "netdev"
        case .bridge: "bridge"
        case .ipv6: "ip6"
        }
    }
}

/// One step of a rule's program. A step that does not match ends the rule; the packet goes on to the next.
public enum NftablesExpression: Sendable, Hashable {
    /// What is known of a packet beside its bytes.
    public enum Meta: UInt32, Sendable, Hashable {
        /// 4 bytes, the machine's order.
        case mark = 3
        /// 16 bytes, filled up with zeros.
        case inputInterfaceName = 6
        case outputInterfaceName = 7
        /// 1 byte: `NftablesFamily`.
        case networkFamily = 15
        /// 1 byte: the number of TCP, UDP and so on.
        case transportProtocol = 16
    }

    public enum Header: UInt32, Sendable, Hashable {
        case link = 0
        case network = 1
        case transport = 2
    }

    public enum Comparison: UInt32, Sendable, Hashable {
        case equal = 0
        case notEqual = 1
    }

    case meta(Meta, into: NftablesRegister)
    /// Bytes of a header.
    case payload(Header, offset: UInt32, length: UInt32, into: NftablesRegister)
    /// What kind of address the destination is: a 4-byte `RTN_*` in the machine's order.
    case destinationType(into: NftablesRegister)
    /// `IPS_*`, 4 bytes in the machine's order.
    case connectionStatus(into: NftablesRegister)
    /// `NF_CT_STATE_*_BIT`, 4 bytes in the machine's order.
    case connectionState(into: NftablesRegister)
    /// Compares as many bytes as `value` has.
    case compare(NftablesRegister, Comparison, value: [UInt8])
    /// Keeps the bits of `mask`.
    case mask(NftablesRegister, mask: [UInt8])
    /// Looks a key up: in a set (`into` nil), where missing (or, `inverted`, present) does not match; or in a map,
    /// whose value goes into a register.
    case lookup(set: String, key: NftablesRegister, into: NftablesRegister? = nil, inverted: Bool = false)
    /// Looks a key up in a map of verdicts.
    case verdictMap(String, key: NftablesRegister)
    case verdict(NftablesVerdict)
    /// Sends the connection to another address and port.
    case destinationNAT(NftablesFamily, address: NftablesRegister, port: NftablesRegister)
    /// Gives the connection the address of the interface it leaves by.
    case masquerade
    case counter
    /// A match of the older xtables, as they write it, so that they can read their table.
    case match(String, revision: UInt32, bytes: [UInt8])
    /// Only read: answers that it is refused.
    case reject
    /// Only read: a target of the older xtables, as `REJECT`.
    case target(String)
    /// Only read: anything else, by its name. Written, the kernel refuses it.
    case other(String)
}

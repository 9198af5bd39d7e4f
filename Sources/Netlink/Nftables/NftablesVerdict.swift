import CNetlink

/// What becomes of a packet.
public enum NftablesVerdict: Sendable, Hashable {
    case accept
    case drop
    /// Back to the chain that called this one.
    case `return`
    /// Calls a chain and comes back.
    case jump(String)
    /// Calls a chain and comes back to where this one was called from.
    case goto(String)

    func write(_ writer: inout NetlinkWriter) {
        let (code, chain): (Int32, String?) =
            switch self {
            case .accept: (NF_ACCEPT, nil)
            case .drop: (NF_DROP, nil)
            case .return: (NFT_RETURN.rawValue, nil)
            case .jump(let chain): (NFT_JUMP.rawValue, chain)
            case .goto(let chain): (NFT_GOTO.rawValue, chain)
            }
        writer.nest(NFTA_DATA_VERDICT) {
            $0.put(NFTA_VERDICT_CODE, number: UInt32(bitPattern: code))
            if let chain { $0.put(NFTA_VERDICT_CHAIN, chain) }
        }
    }

    /// Nil for a verdict that is none of these, as `queue`.
    init?(_ attributes: NetlinkAttributes) {
        let chain = attributes[NFTA_VERDICT_CHAIN]?.text ?? ""
        switch attributes[NFTA_VERDICT_CODE]?.bigEndian.map({ Int32(bitPattern: $0) }) {
        case NF_ACCEPT: self = .accept
        case NF_DROP: self = .drop
        case NFT_RETURN.rawValue: self = .return
        case NFT_JUMP.rawValue: self = .jump(chain)
        case NFT_GOTO.rawValue: self = .goto(chain)
        default: return nil
        }
    }
}

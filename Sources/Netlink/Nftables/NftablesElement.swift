import CNetlink

/// An element of a set or map.
public struct NftablesElement: Sendable, Hashable {
    public enum Value: Sendable, Hashable {
        case bytes([UInt8])
        case verdict(NftablesVerdict)
    }

    public var key: [UInt8]
    /// Nil in a set.
    public var value: Value?
    /// For people, and to know whose it is. Empty for none; at most `NftablesComment.limit` bytes.
    public var comment: String

    public init(key: [UInt8], value: Value? = nil, comment: String = "") {
        self.key = key
        self.value = value
        self.comment = comment
    }

    /// The most that it takes in a message.
    var size: Int {
        let value: Int =
            switch self.value {
            case nil: 0
            case .bytes(let bytes): bytes.count + 12
            case .verdict(.jump(let chain)), .verdict(.goto(let chain)): chain.utf8.count + 28
            case .verdict: 24
            }
        return 4 + key.count + 12 + value + comment.utf8.count + 12
    }

    func write(_ writer: inout NetlinkWriter) {
        writer.nest(NFTA_LIST_ELEM) { element in
            element.nest(NFTA_SET_ELEM_KEY) { $0.put(NFTA_DATA_VALUE, bytes: key) }
            switch value {
            case .bytes(let bytes): element.nest(NFTA_SET_ELEM_DATA) { $0.put(NFTA_DATA_VALUE, bytes: bytes) }
            case .verdict(let verdict): element.nest(NFTA_SET_ELEM_DATA) { verdict.write(&$0) }
            case nil: break
            }
            if !comment.isEmpty { element.put(NFTA_SET_ELEM_USERDATA, bytes: NftablesComment.encode(comment)) }
        }
    }

    /// Nil for an element without a key, as the one for all other keys.
    init?(_ element: NetlinkAttributes) {
        guard let key = element[NFTA_SET_ELEM_KEY]?.nested[NFTA_DATA_VALUE]?.bytes else { return nil }
        self.key = key
        if let data = element[NFTA_SET_ELEM_DATA]?.nested {
            if let bytes = data[NFTA_DATA_VALUE]?.bytes {
                value = .bytes(bytes)
            } else if let verdict = data[NFTA_DATA_VERDICT]?.nested {
                value = NftablesVerdict(verdict).map { .verdict($0) }
            }
        }
        comment = element[NFTA_SET_ELEM_USERDATA].map { NftablesComment.decode($0.bytes) } ?? ""
    }
}

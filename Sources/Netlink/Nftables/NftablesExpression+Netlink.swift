import CNetlink

extension NftablesExpression {
    func write(_ writer: inout NetlinkWriter) {
        writer.nest(NFTA_LIST_ELEM) { element in
            element.put(NFTA_EXPR_NAME, name)
            element.nest(NFTA_EXPR_DATA) { writeData(&$0) }
        }
    }

    /// The kernel's name of it.
    private var name: String {
        switch self {
        case .meta: "meta"
        case .payload: "payload"
        case .destinationType: "fib"
        case .connectionStatus, .connectionState: "ct"
        case .match: "match"
        case .compare: "cmp"
        case .mask: "bitwise"
        case .lookup, .verdictMap: "lookup"
        case .verdict: "immediate"
        case .destinationNAT: "nat"
        case .masquerade: "masq"
        case .counter: "counter"
        case .reject: "reject"
        case .target: "target"
        case .other(let name): name
        }
    }

    private func writeData(_ data: inout NetlinkWriter) {
        switch self {
        case .meta(let key, let register):
            data.put(NFTA_META_KEY, number: key.rawValue)
            data.put(NFTA_META_DREG, number: register.number)
        case .payload(let header, let offset, let length, let register):
            data.put(NFTA_PAYLOAD_DREG, number: register.number)
            data.put(NFTA_PAYLOAD_BASE, number: header.rawValue)
            data.put(NFTA_PAYLOAD_OFFSET, number: offset)
            data.put(NFTA_PAYLOAD_LEN, number: length)
        case .destinationType(let register):
            data.put(NFTA_FIB_DREG, number: register.number)
            data.put(NFTA_FIB_RESULT, number: NFT_FIB_RESULT_ADDRTYPE.rawValue)
            data.put(NFTA_FIB_FLAGS, number: NFTA_FIB_F_DADDR.rawValue)
        case .connectionStatus(let register):
            data.put(NFTA_CT_DREG, number: register.number)
            data.put(NFTA_CT_KEY, number: NFT_CT_STATUS.rawValue)
        case .connectionState(let register):
            data.put(NFTA_CT_DREG, number: register.number)
            data.put(NFTA_CT_KEY, number: NFT_CT_STATE.rawValue)
        case .match(let name, let revision, let bytes):
            data.put(NFTA_MATCH_NAME, name)
            data.put(NFTA_MATCH_REV, number: revision)
            data.put(NFTA_MATCH_INFO, bytes: bytes)
        case .compare(let register, let comparison, let value):
            data.put(NFTA_CMP_SREG, number: register.number)
            data.put(NFTA_CMP_OP, number: comparison.rawValue)
            data.nest(NFTA_CMP_DATA) { $0.put(NFTA_DATA_VALUE, bytes: value) }
        case .mask(let register, let mask):
            data.put(NFTA_BITWISE_SREG, number: register.number)
            data.put(NFTA_BITWISE_DREG, number: register.number)
            data.put(NFTA_BITWISE_LEN, number: UInt32(mask.count))
            data.nest(NFTA_BITWISE_MASK) { $0.put(NFTA_DATA_VALUE, bytes: mask) }
            data.nest(NFTA_BITWISE_XOR) {
                $0.put(NFTA_DATA_VALUE, bytes: [UInt8](repeating: 0, count: mask.count))
            }
        case .lookup(let set, let key, let register, let inverted):
            data.put(NFTA_LOOKUP_SET, set)
            data.put(NFTA_LOOKUP_SREG, number: key.number)
            if let register { data.put(NFTA_LOOKUP_DREG, number: register.number) }
            if inverted { data.put(NFTA_LOOKUP_FLAGS, number: NFT_LOOKUP_F_INV.rawValue) }
        case .verdictMap(let map, let key):
            data.put(NFTA_LOOKUP_SET, map)
            data.put(NFTA_LOOKUP_SREG, number: key.number)
            data.put(NFTA_LOOKUP_DREG, number: NFT_REG_VERDICT.rawValue)
        case .verdict(let verdict):
            data.put(NFTA_IMMEDIATE_DREG, number: NFT_REG_VERDICT.rawValue)
            data.nest(NFTA_IMMEDIATE_DATA) { verdict.write(&$0) }
        case .destinationNAT(let family, let address, let port):
            data.put(NFTA_NAT_TYPE, number: NFT_NAT_DNAT.rawValue)
            data.put(NFTA_NAT_FAMILY, number: UInt32(family.rawValue))
            data.put(NFTA_NAT_REG_ADDR_MIN, number: address.number)
            data.put(NFTA_NAT_REG_PROTO_MIN, number: port.number)
        case .masquerade, .counter, .reject, .target, .other: break
        }
    }

    /// Reads one element of a rule's list: what tells which packets a rule takes, and what it does with them.
    init(_ element: NetlinkAttributes) {
        let name = element[NFTA_EXPR_NAME]?.text ?? ""
        self = .other(name)
        guard let data = element[NFTA_EXPR_DATA]?.nested else { return }
        switch name {
        case "meta":
            if let key = data[NFTA_META_KEY]?.bigEndian.flatMap({ Meta(rawValue: $0) }),
                let register = data[NFTA_META_DREG]?.bigEndian.flatMap({ NftablesRegister(number: $0) })
            {
                self = .meta(key, into: register)
            }
        case "cmp":
            if let register = data[NFTA_CMP_SREG]?.bigEndian.flatMap({ NftablesRegister(number: $0) }),
                let comparison = data[NFTA_CMP_OP]?.bigEndian.flatMap({ Comparison(rawValue: $0) }),
                let value = data[NFTA_CMP_DATA]?.nested[NFTA_DATA_VALUE]?.bytes
            {
                self = .compare(register, comparison, value: value)
            }
        case "immediate":
            if data[NFTA_IMMEDIATE_DREG]?.bigEndian == NFT_REG_VERDICT.rawValue,
                let verdict = data[NFTA_IMMEDIATE_DATA]?.nested[NFTA_DATA_VERDICT]?.nested
            {
                self = NftablesVerdict(verdict).map { .verdict($0) } ?? .other(name)
            }
        case "counter": self = .counter
        case "reject": self = .reject
        // One that takes every packet.
        case "match" where data[NFTA_MATCH_NAME]?.text == "comment": self = .other("comment")
        case "target": self = .target(data[NFTA_TARGET_NAME]?.text ?? "")
        default: break
        }
    }
}

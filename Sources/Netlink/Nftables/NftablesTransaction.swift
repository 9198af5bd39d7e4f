import CNetlink

/// Changes of the ruleset that are made together or not at all.
///
/// What it names may be made earlier in the same transaction. `NftablesSocket.commit` sends it, in one piece.
public struct NftablesTransaction: ~Copyable {
    private(set) var batch: NetlinkBatch
    private var setNumber: UInt32 = 0
    /// What it makes, whether it is there already or not.
    public private(set) var inventory: [NftablesTable: NftablesInventory] = [:]

    /// The most that the elements of one message take: a list's length has 16 bits.
    private static let listLimit = 60_000

    /// - Parameters:
    ///   - capacity: the most bytes of all messages together.
    ///   - generation: of the ruleset that the changes were made up from: had it changed meanwhile, by whomever, the
    ///     kernel answers ERESTART. Nil: whatever the ruleset is.
    public init(capacity: Int = 32 << 10, generation: UInt32? = nil) {
        batch = NetlinkBatch(capacity: capacity)
        batch.append(
            type: UInt16(NFNL_MSG_BATCH_BEGIN), flags: [], acknowledged: false, header: Self.mark,
            "change the nftables ruleset"
        ) {
            if let generation { $0.put(NFNL_BATCH_GENID, number: generation) }
        }
    }

    /// Whether nothing was asked.
    public var isEmpty: Bool { batch.count <= 1 && !batch.hasOverflowed }

    /// Makes a table; nothing when it is there.
    public mutating func add(_ table: NftablesTable) {
        append(NFT_MSG_NEWTABLE, .create, table.family, "add table \(table)") { $0.put(NFTA_TABLE_NAME, table.name) }
    }

    /// Deletes a table and all that it holds; ENOENT when there is none.
    public mutating func delete(_ table: NftablesTable) {
        append(NFT_MSG_DELTABLE, [], table.family, "delete table \(table)") { $0.put(NFTA_TABLE_NAME, table.name) }
    }

    /// Makes a chain; nothing when it is there.
    public mutating func add(_ chain: NftablesChain) {
        inventory[chain.table, default: NftablesInventory()].rules[chain.name] = 0
        append(NFT_MSG_NEWCHAIN, .create, chain.table.family, "add chain \(chain.table) \(chain.name)") {
            $0.put(NFTA_CHAIN_TABLE, chain.table.name)
            $0.put(NFTA_CHAIN_NAME, chain.name)
            guard let base = chain.base else { return }
            $0.put(NFTA_CHAIN_TYPE, base.kind.rawValue)
            $0.nest(NFTA_CHAIN_HOOK) {
                $0.put(NFTA_HOOK_HOOKNUM, number: base.hook.rawValue)
                $0.put(NFTA_HOOK_PRIORITY, number: UInt32(bitPattern: base.priority))
            }
            $0.put(NFTA_CHAIN_POLICY, number: base.policy.rawValue)
        }
    }

    /// Deletes a chain and its rules; EBUSY when something leads to it.
    public mutating func delete(_ chain: NftablesChain) {
        append(NFT_MSG_DELCHAIN, [], chain.table.family, "delete chain \(chain.table) \(chain.name)") {
            $0.put(NFTA_CHAIN_TABLE, chain.table.name)
            $0.put(NFTA_CHAIN_NAME, chain.name)
        }
    }

    /// Deletes all rules of a chain.
    public mutating func flush(_ chain: NftablesChain) {
        append(NFT_MSG_DELRULE, [], chain.table.family, "flush chain \(chain.table) \(chain.name)") {
            $0.put(NFTA_RULE_TABLE, chain.table.name)
            $0.put(NFTA_RULE_CHAIN, chain.name)
        }
    }

    /// Appends a rule to its chain, or, `first`, puts it before the others. Its handle is the kernel's to give.
    public mutating func add(_ rule: NftablesRule, first: Bool = false) {
        inventory[rule.table, default: NftablesInventory()].rules[rule.chain, default: 0] += 1
        let request = "add a rule to chain \(rule.table) \(rule.chain)"
        append(NFT_MSG_NEWRULE, first ? .create : [.create, .append], rule.table.family, request) {
            $0.put(NFTA_RULE_TABLE, rule.table.name)
            $0.put(NFTA_RULE_CHAIN, rule.chain)
            $0.nest(NFTA_RULE_EXPRESSIONS) { list in
                for expression in rule.expressions { expression.write(&list) }
            }
            if !rule.comment.isEmpty { $0.put(NFTA_RULE_USERDATA, bytes: NftablesComment.encode(rule.comment)) }
        }
    }

    /// Deletes the rule of this handle; ENOENT when there is none.
    public mutating func delete(_ rule: NftablesRule) {
        append(
            NFT_MSG_DELRULE, [], rule.table.family, "delete rule \(rule.handle) of chain \(rule.table) \(rule.chain)"
        ) {
            $0.put(NFTA_RULE_TABLE, rule.table.name)
            $0.put(NFTA_RULE_CHAIN, rule.chain)
            $0.put(Int(NFTA_RULE_HANDLE.rawValue), rule.handle.bigEndian)
        }
    }

    /// Makes a set or map; nothing when there is the same.
    public mutating func add(_ set: NftablesSet, to table: NftablesTable) {
        inventory[table, default: NftablesInventory()].sets.insert(set.name)
        setNumber += 1
        let number = setNumber
        append(NFT_MSG_NEWSET, .create, table.family, "add set \(table) \(set.name)") {
            $0.put(NFTA_SET_TABLE, table.name)
            $0.put(NFTA_SET_NAME, set.name)
            $0.put(NFTA_SET_ID, number: number)
            $0.put(NFTA_SET_KEY_TYPE, number: NftablesSet.type(of: set.key))
            $0.put(NFTA_SET_KEY_LEN, number: UInt32(NftablesSet.size(of: set.key)))
            switch set.value {
            case .fields(let fields):
                $0.put(NFTA_SET_FLAGS, number: NFT_SET_MAP.rawValue)
                $0.put(NFTA_SET_DATA_TYPE, number: NftablesSet.type(of: fields))
                $0.put(NFTA_SET_DATA_LEN, number: UInt32(NftablesSet.size(of: fields)))
            case .verdict:
                $0.put(NFTA_SET_FLAGS, number: NFT_SET_MAP.rawValue)
                $0.put(NFTA_SET_DATA_TYPE, number: NFT_DATA_VERDICT.rawValue)
            case nil: $0.put(NFTA_SET_FLAGS, number: 0)
            }
        }
    }

    /// Adds elements to a set.
    ///
    /// - Parameter exclusive: EEXIST for one whose key is there. Without it, one that is there with the same value
    ///   stays as it is, its comment too; another value is refused either way.
    public mutating func add(
        _ elements: [NftablesElement], to set: String, of table: NftablesTable, exclusive: Bool = true
    ) {
        append(
            NFT_MSG_NEWSETELEM, exclusive ? [.create, .exclusive] : .create, elements, set, table,
            "add elements to \(table) \(set)")
    }

    /// Deletes the elements with these elements' keys; ENOENT where one is missing.
    public mutating func delete(_ elements: [NftablesElement], from set: String, of table: NftablesTable) {
        append(
            NFT_MSG_DELSETELEM, [], elements.map { NftablesElement(key: $0.key) }, set, table,
            "delete elements of \(table) \(set)")
    }

    private mutating func append(
        _ type: nf_tables_msg_types, _ flags: NetlinkBatch.Flags, _ elements: [NftablesElement], _ set: String,
        _ table: NftablesTable, _ request: String
    ) {
        var rest = elements[...]
        while !rest.isEmpty {
            var size = 0
            let part = rest.prefix {
                size += $0.size
                return size <= Self.listLimit
            }
            append(type, flags, table.family, request) {
                $0.put(NFTA_SET_ELEM_LIST_TABLE, table.name)
                $0.put(NFTA_SET_ELEM_LIST_SET, set)
                $0.nest(NFTA_SET_ELEM_LIST_ELEMENTS) { list in
                    for element in part { element.write(&list) }
                }
            }
            rest = rest.dropFirst(part.count)
        }
    }

    private mutating func append(
        _ type: nf_tables_msg_types, _ flags: NetlinkBatch.Flags, _ family: NftablesFamily, _ request: String,
        _ body: (inout NetlinkWriter) -> Void
    ) {
        // Only the last is acknowledged: the kernel does all or nothing, and a failure is always reported.
        batch.append(
            type: NftablesSocket.type(type), flags: flags, acknowledged: false,
            header: NftablesSocket.header(family), request, body)
    }

    /// Puts the end mark.
    consuming func finished() -> NetlinkBatch {
        batch.acknowledgeLast()
        batch.append(
            type: UInt16(NFNL_MSG_BATCH_END), flags: [], acknowledged: false, header: Self.mark,
            "change the nftables ruleset")
        return batch
    }

    private static var mark: nfgenmsg {
        nfgenmsg(nfgen_family: 0, version: UInt8(NFNETLINK_V0), res_id: UInt16(NFNL_SUBSYS_NFTABLES).bigEndian)
    }
}

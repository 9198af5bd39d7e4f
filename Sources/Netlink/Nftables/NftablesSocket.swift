import Base
import CLinux
import CNetlink

/// The nftables of the network namespace that the thread had when it was made.
public struct NftablesSocket: ~Copyable {
    private var socket: NetlinkSocket

    /// How often a list is asked for again that changed while it was read.
    private static let attempts = 50

    /// - Throws: `NetlinkError`; EPROTONOSUPPORT when the kernel has no netfilter.
    public init() throws(NetlinkError) {
        socket = try NetlinkSocket(.netfilter)
    }

    /// For a program that deletes something and ends soon. Its last close would otherwise wait until the kernel has
    /// freed that, a grace period of many milliseconds, and let everybody else who changes the ruleset wait too. An
    /// orphan process holds the socket for so long.
    public mutating func closeWithoutWaiting() { socket.closesWithoutWaiting = true }

    /// Makes the transaction's changes.
    ///
    /// - Throws: `NetlinkError` of the first that was refused; then none is made. ERESTART: the ruleset is no longer of
    ///   the transaction's generation.
    public mutating func commit(_ transaction: consuming NftablesTransaction) throws(NetlinkError) {
        guard !transaction.isEmpty else { return }
        let batch = transaction.finished()
        // The kernel takes a transaction in one piece only.
        if batch.used > 64 << 10 { socket.setSendBuffer(2 * batch.used) }
        try socket.perform(batch)
    }

    /// The ruleset's generation, which every change raises.
    public mutating func generation() throws(NetlinkError) -> UInt32 {
        var generation: UInt32?
        try get(NFT_MSG_GETGEN, .unspecified, "read the generation of the nftables ruleset", { _ in }) {
            generation = $0[NFTA_GEN_ID]?.bigEndian
        }
        guard let generation else {
            throw NetlinkError("read the generation of the nftables ruleset", .inputOutput)
        }
        return generation
    }

    /// The element with this key; nil when it, the set or the table is missing.
    public mutating func element(
        _ key: [UInt8], of set: String, in table: NftablesTable
    ) throws(NetlinkError) -> NftablesElement? {
        var found: NftablesElement?
        try get(
            NFT_MSG_GETSETELEM, table.family, "find an element of \(table) \(set)", tolerating: .noEntry,
            {
                $0.put(NFTA_SET_ELEM_LIST_TABLE, table.name)
                $0.put(NFTA_SET_ELEM_LIST_SET, set)
                $0.nest(NFTA_SET_ELEM_LIST_ELEMENTS) { NftablesElement(key: key).write(&$0) }
            },
            each: { reply in Self.forEachElement(reply) { found = $0 } })
        return found
    }

    /// All elements; nil when the set or the table is missing.
    ///
    /// - Throws: `NetlinkError`; EAGAIN when the kernel moves them about each time.
    public mutating func elements(of set: String, in table: NftablesTable) throws(NetlinkError) -> [NftablesElement]? {
        for _ in 0..<Self.attempts {
            guard let elements = try elementsOnce(of: set, in: table) else { return nil }
            // A hash table that has grown is rearranged a little later. A list that is read meanwhile, in several parts,
            // has as many elements, some twice and some not at all; the kernel does not say so.
            if elements.count < 64 || Set(elements.map(\.key)).count == elements.count { return elements }
        }
        throw NetlinkError(
            "list the elements of \(table) \(set)", .again,
            explanation: "the kernel moved them about each time they were read")
    }

    private mutating func elementsOnce(
        of set: String, in table: NftablesTable
    ) throws(NetlinkError) -> [NftablesElement]? {
        do {
            return try list(
                NFT_MSG_GETSETELEM, table.family, "list the elements of \(table) \(set)",
                {
                    $0.put(NFTA_SET_ELEM_LIST_TABLE, table.name)
                    $0.put(NFTA_SET_ELEM_LIST_SET, set)
                },
                each: { (_, reply, list: inout [NftablesElement]) in Self.forEachElement(reply) { list.append($0) } })
        } catch {
            if error.errno == .noEntry { return nil }
            throw error
        }
    }

    /// All tables of a family, or of all.
    public mutating func tables(_ family: NftablesFamily = .unspecified) throws(NetlinkError) -> [NftablesTable] {
        try list(NFT_MSG_GETTABLE, family, "list the nftables tables", { _ in }) { family, table, list in
            list.append(NftablesTable(family, table[NFTA_TABLE_NAME]?.text ?? ""))
        }
    }

    /// All chains of a family, or of all.
    public mutating func chains(_ family: NftablesFamily = .unspecified) throws(NetlinkError) -> [NftablesChain] {
        try list(NFT_MSG_GETCHAIN, family, "list the nftables chains", { _ in }) { family, chain, list in
            let table = NftablesTable(family, chain[NFTA_CHAIN_TABLE]?.text ?? "")
            list.append(NftablesChain(chain[NFTA_CHAIN_NAME]?.text ?? "", of: table, base: Self.base(chain)))
        }
    }

    /// The names of a table's sets and maps; ENOENT when there is no such table.
    public mutating func sets(of table: NftablesTable) throws(NetlinkError) -> [String] {
        try list(
            NFT_MSG_GETSET, table.family, "list the sets of table \(table)",
            { $0.put(NFTA_SET_TABLE, table.name) },
            each: { family, set, list in
                guard family == table.family, set[NFTA_SET_TABLE]?.text == table.name,
                    let name = set[NFTA_SET_NAME]?.text
                else { return }
                list.append(name)
            })
    }

    /// All rules of a table, those of a chain in their order.
    public mutating func rules(of table: NftablesTable) throws(NetlinkError) -> [NftablesRule] {
        try list(
            NFT_MSG_GETRULE, table.family, "list the rules of table \(table)",
            { $0.put(NFTA_RULE_TABLE, table.name) },
            each: { family, rule, list in
                let name = rule[NFTA_RULE_TABLE]?.text ?? ""
                guard name == table.name, family == table.family else { return }
                var expressions: [NftablesExpression] = []
                if let attributes = rule[NFTA_RULE_EXPRESSIONS]?.nested {
                    for element in attributes { expressions.append(NftablesExpression(element.nested)) }
                }
                list.append(
                    NftablesRule(
                        table: table, chain: rule[NFTA_RULE_CHAIN]?.text ?? "",
                        handle: rule[NFTA_RULE_HANDLE]?.number(UInt64.self).map { UInt64(bigEndian: $0) } ?? 0,
                        expressions: expressions,
                        comment: rule[NFTA_RULE_USERDATA].map { NftablesComment.decode($0.bytes) } ?? ""))
            })
    }

    /// Deletes a table and all that it holds; succeeds when there is none.
    public mutating func deleteTable(_ table: NftablesTable) throws(NetlinkError) {
        var transaction = NftablesTransaction(capacity: 1024)
        transaction.delete(table)
        do {
            try commit(transaction)
        } catch {
            if error.errno != .noEntry { throw error }
        }
    }

    // MARK: messages

    static func type(_ type: nf_tables_msg_types) -> UInt16 {
        UInt16(NFNL_SUBSYS_NFTABLES) << 8 | UInt16(type.rawValue)
    }

    static func header(_ family: NftablesFamily) -> nfgenmsg {
        nfgenmsg(nfgen_family: family.rawValue, version: UInt8(NFNETLINK_V0), res_id: 0)
    }

    private static let headerSize = MemoryLayout<nfgenmsg>.size

    private static func base(_ chain: NetlinkAttributes) -> NftablesChain.Base? {
        guard let hook = chain[NFTA_CHAIN_HOOK]?.nested,
            let place = hook[NFTA_HOOK_HOOKNUM]?.bigEndian.flatMap({ NftablesChain.Hook(rawValue: $0) }),
            let kind = NftablesChain.Kind(rawValue: chain[NFTA_CHAIN_TYPE]?.text ?? "")
        else { return nil }
        return NftablesChain.Base(
            kind, place, priority: hook[NFTA_HOOK_PRIORITY]?.bigEndian.map { Int32(bitPattern: $0) } ?? 0,
            policy: chain[NFTA_CHAIN_POLICY]?.bigEndian.flatMap { NftablesChain.Policy(rawValue: $0) } ?? .accept)
    }

    private static func forEachElement(_ reply: NetlinkAttributes, _ body: (NftablesElement) -> Void) {
        guard let elements = reply[NFTA_SET_ELEM_LIST_ELEMENTS]?.nested else { return }
        for element in elements {
            if let element = NftablesElement(element.nested) { body(element) }
        }
    }

    /// One object.
    private mutating func get(
        _ type: nf_tables_msg_types, _ family: NftablesFamily, _ request: String,
        tolerating tolerated: Errno? = nil, _ body: (inout NetlinkWriter) -> Void, each: (NetlinkAttributes) -> Void
    ) throws(NetlinkError) {
        var batch = NetlinkBatch(capacity: 2048)
        batch.append(
            type: Self.type(type), flags: [], tolerating: tolerated, header: Self.header(family), request, body)
        try socket.perform(batch) { each($0.attributes(after: Self.headerSize)) }
    }

    /// A whole list, read again when it changed meanwhile.
    private mutating func list<T>(
        _ type: nf_tables_msg_types, _ family: NftablesFamily, _ request: String,
        _ body: (inout NetlinkWriter) -> Void, each: (NftablesFamily, NetlinkAttributes, inout [T]) -> Void
    ) throws(NetlinkError) -> [T] {
        for _ in 0..<Self.attempts {
            var list: [T] = []
            let isComplete = try socket.dump(type: Self.type(type), header: Self.header(family), request, body) {
                guard let header = $0.header(nfgenmsg.self),
                    let family = NftablesFamily(rawValue: header.nfgen_family)
                else { return }
                each(family, $0.attributes(after: Self.headerSize), &list)
            }
            if isComplete { return list }
        }
        throw NetlinkError(request, .again, explanation: "the ruleset changed each time it was read")
    }
}

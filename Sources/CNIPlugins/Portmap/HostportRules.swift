import Netlink

/// The fixed rules of `portmap` in our table. Each mapping is only elements of their maps, so that a thousand mappings
/// cost a packet no more than one.
enum HostportRules {
    private static let status = NftablesExpression.connectionStatus(into: .first)
    /// IPS_DST_NAT: the connection's destination was changed. As the machine stores it.
    private static let destinationChanged = withUnsafeBytes(of: UInt32(0x20)) { Array($0) }
    /// RTN_LOCAL.
    private static let local = withUnsafeBytes(of: UInt32(2)) { Array($0) }

    /// `{protocol . port : pod address . port}`
    static func hostports(_ family: AddressFamily) -> String { "hostports" + family.suffix }
    /// `{host address . protocol . port : pod address . port}`
    static func hostIPHostports(_ family: AddressFamily) -> String { "hostip_hostports" + family.suffix }
    /// `{source . pod address}`: a pod that reaches itself, and the host's loopback (as 127.0.0.0).
    static func hairpins(_ family: AddressFamily) -> String { "hairpin" + family.suffix }
    /// `{pod address . interface}`: what comes from where the pod is. Its neighbours' packets: the answers would
    /// otherwise go straight to them, with an address that they do not expect.
    static func neighbours(_ family: AddressFamily) -> String { "neighbour" + family.suffix }
    /// `{pod address . protocol . port}`: all of masqAll.
    static func masqueradeAll(_ family: AddressFamily) -> String { "masq_all" + family.suffix }

    /// Where connections to host ports are told.
    static func maps() -> [String] { AddressFamily.allCases.flatMap { [hostports($0), hostIPHostports($0)] } }

    /// All sets and maps.
    static func sets() -> [String] {
        maps() + AddressFamily.allCases.flatMap { [hairpins($0), neighbours($0), masqueradeAll($0)] }
    }

    private static func definitions(_ family: AddressFamily) -> [NftablesSet] {
        let target = NftablesSet.Value.fields([family.field, .port])
        return [
            NftablesSet(hostports(family), key: [.transportProtocol, .port], value: target),
            NftablesSet(hostIPHostports(family), key: [family.field, .transportProtocol, .port], value: target),
            NftablesSet(hairpins(family), key: [family.field, family.field]),
            NftablesSet(neighbours(family), key: [family.field, .interfaceName]),
            NftablesSet(masqueradeAll(family), key: [family.field, .transportProtocol, .port]),
        ]
    }

    private static func chains(_ table: NftablesTable) -> [NftablesChain] {
        [
            NftablesChain("hostports", of: table),
            NftablesChain(
                "hostports_prerouting", of: table,
                base: .init(.nat, .prerouting, priority: NftablesChain.Priority.destinationNAT)),
            NftablesChain(
                "hostports_output", of: table,
                base: .init(.nat, .output, priority: NftablesChain.Priority.destinationNAT)),
            NftablesChain(
                "hostports_postrouting", of: table,
                base: .init(.nat, .postrouting, priority: NftablesChain.Priority.sourceNAT)),
            NftablesChain(
                "loopback_guard", of: table,
                base: .init(.filter, .prerouting, priority: NftablesChain.Priority.raw)),
        ]
    }

    static func chainNames(_ table: NftablesTable) -> [String] { chains(table).map(\.name) }

    /// Makes them, or makes them anew as they should be; the sets keep their elements.
    static func install(_ table: NftablesTable, _ transaction: inout NftablesTransaction) {
        transaction.add(table)
        for chain in chains(table) {
            transaction.add(chain)
            transaction.flush(chain)
        }
        for set in AddressFamily.allCases.flatMap({ definitions($0) }) { transaction.add(set, to: table) }
        for (chain, expressions) in rules() {
            transaction.add(NftablesRule(table: table, chain: chain, expressions: expressions))
        }
    }

    private static func rules() -> [(chain: String, expressions: [NftablesExpression])] {
        let toUs: [NftablesExpression] = [
            .destinationType(into: .first), .compare(.first, .equal, value: local), .verdict(.jump("hostports")),
        ]
        // Loopback addresses are routed on the interfaces where localhost's connections leave, and would be where they
        // come in from elsewhere: nobody but the host itself may use them.
        let guardLoopback: [NftablesExpression] =
            [
                .meta(.inputInterfaceName, into: .first),
                .compare(.first, .notEqual, value: Array("lo".utf8) + [UInt8](repeating: 0, count: 14)),
            ] + AddressFamily.ipv4.only() + [
                .payload(.network, offset: 16, length: 1, into: .first), .compare(.first, .equal, value: [127]),
                .verdict(.drop),
            ]
        let unchanged: [NftablesExpression] = [
            status, .mask(.first, mask: destinationChanged),
            .compare(.first, .equal, value: [0, 0, 0, 0]), .verdict(.return),
        ]
        // The kernel routes ::1 nowhere else: a connection that is led away only hangs.
        let loopback6: [NftablesExpression] =
            AddressFamily.ipv6.only() + [
                AddressFamily.ipv6.destination(into: .first),
                .compare(.first, .equal, value: AddressFamily.ipv6Loopback), .verdict(.return),
            ]
        return [
            ("hostports_prerouting", toUs), ("hostports_output", toUs), ("loopback_guard", guardLoopback),
            ("hostports_postrouting", unchanged), ("hostports", loopback6),
        ] + AddressFamily.allCases.flatMap { redirections($0).map { ("hostports", $0) } }
            + AddressFamily.allCases.flatMap { masquerades($0).map { ("hostports_postrouting", $0) } }
    }

    /// Where a connection to the host goes: the mapping of its very address counts before that of any.
    private static func redirections(_ family: AddressFamily) -> [[NftablesExpression]] {
        let behind = NftablesRegister.first.advanced(by: family.size)
        let target: NftablesExpression = .destinationNAT(family.nftables, address: .first, port: behind)
        return [
            family.only() + [family.destination(into: .first)] + service(into: behind) + [
                .lookup(set: hostIPHostports(family), key: .first, into: .first), target,
            ],
            family.only() + service(into: .first) + [
                .lookup(set: hostports(family), key: .first, into: .first), target,
            ],
        ]
    }

    private static func masquerades(_ family: AddressFamily) -> [[NftablesExpression]] {
        let behind = NftablesRegister.first.advanced(by: family.size)
        let pair = [family.source(into: .first), family.destination(into: behind)]
        var rules: [[NftablesExpression]] = [
            pair + [.lookup(set: hairpins(family), key: .first)],
            [family.destination(into: .first), .meta(.inputInterfaceName, into: behind)] + [
                .lookup(set: neighbours(family), key: .first)
            ],
            [family.destination(into: .first)] + service(into: behind) + [
                .lookup(set: masqueradeAll(family), key: .first)
            ],
        ]
        if family == .ipv4 {
            // 127.0.0.0/8 is one source.
            rules.append(
                [pair[0], .mask(.first, mask: family.mask(8)), pair[1], .lookup(set: hairpins(family), key: .first)])
        }
        return rules.map { family.only() + $0 + [.masquerade] }
    }

    /// Protocol and port that a packet goes to. TCP, UDP and SCTP have it in the same place.
    private static func service(into register: NftablesRegister) -> [NftablesExpression] {
        [
            .meta(.transportProtocol, into: register),
            .payload(.transport, offset: 2, length: 2, into: register.advanced(by: 4)),
        ]
    }
}

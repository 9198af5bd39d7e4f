import Netlink

/// The fixed rules of `portmap` in our table. Each mapping is only elements of their maps, so that a thousand mappings
/// cost a packet no more than one.
enum HostportRules {
    private static let status = NftablesExpression.connectionStatus(into: .first)
    /// IPS_DST_NAT: the connection's destination was changed. As the machine stores it.
    private static let destinationChanged = withUnsafeBytes(of: UInt32(0x20)) { Array($0) }
    /// RTN_LOCAL.
    private static let local = withUnsafeBytes(of: UInt32(2)) { Array($0) }

    /// Whether a mapping holds always, or when conditions are met: then it counts before one that always holds.
    enum Kind: String, CaseIterable {
        case always = ""
        case conditional = "_if"
    }

    /// `{protocol . port : pod address . port}`
    static func hostports(_ family: AddressFamily, _ kind: Kind = .always) -> String {
        "hostports" + kind.rawValue + family.suffix
    }
    /// `{host address . protocol . port : pod address . port}`
    static func hostIPHostports(_ family: AddressFamily, _ kind: Kind = .always) -> String {
        "hostip_hostports" + kind.rawValue + family.suffix
    }
    /// `{protocol . port : jump to the chain of its conditions}`, and the same with the host's address before it.
    static func conditions(of map: String) -> String { "when_" + map }
    /// `{source . pod address}`: a pod that reaches itself, and the host's loopback (as 127.0.0.0).
    static func hairpins(_ family: AddressFamily) -> String { "hairpin" + family.suffix }
    /// `{pod address . interface}`: what comes from where the pod is. Its neighbours' packets: the answers would
    /// otherwise go straight to them, with an address that they do not expect.
    static func neighbours(_ family: AddressFamily) -> String { "neighbour" + family.suffix }
    /// `{pod address . protocol . port}`: all of masqAll.
    static func masqueradeAll(_ family: AddressFamily) -> String { "masq_all" + family.suffix }

    /// Where connections to host ports are told.
    static func maps() -> [String] {
        AddressFamily.allCases.flatMap { family in
            Kind.allCases.flatMap { [hostports(family, $0), hostIPHostports(family, $0)] }
        }
    }

    /// All sets and maps.
    static func sets() -> [String] {
        maps()
            + AddressFamily.allCases.flatMap { family in
                [hairpins(family), neighbours(family), masqueradeAll(family)]
                    + [hostports(family, .conditional), hostIPHostports(family, .conditional)].map {
                        conditions(of: $0)
                    }
            }
    }

    private static func definitions(_ family: AddressFamily) -> [NftablesSet] {
        let target = NftablesSet.Value.fields([family.field, .port])
        let service: [NftablesSet.Field] = [.transportProtocol, .port]
        let maps = Kind.allCases.flatMap { kind in
            [
                NftablesSet(hostports(family, kind), key: service, value: target),
                NftablesSet(hostIPHostports(family, kind), key: [family.field] + service, value: target),
            ]
        }
        return maps + [
            NftablesSet(conditions(of: hostports(family, .conditional)), key: service, value: .verdict),
            NftablesSet(
                conditions(of: hostIPHostports(family, .conditional)), key: [family.field] + service, value: .verdict),
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
    ///
    /// - Parameter conditional: further chains that mappings need.
    static func install(
        _ table: NftablesTable, _ conditional: Set<ConditionChain>, _ transaction: inout NftablesTransaction
    ) {
        transaction.add(table)
        for chain in chains(table) {
            transaction.add(chain)
            transaction.flush(chain)
        }
        for set in AddressFamily.allCases.flatMap({ definitions($0) }) { transaction.add(set, to: table) }
        for (chain, expressions) in rules() {
            transaction.add(NftablesRule(table: table, chain: chain, expressions: expressions))
        }
        for chain in conditional {
            transaction.add(NftablesChain(chain.name, of: table))
            transaction.flush(NftablesChain(chain.name, of: table))
            transaction.add(NftablesRule(table: table, chain: chain.name, expressions: chain.expressions))
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
        [true, false].flatMap { hasAddress -> [[NftablesExpression]] in
            let map = hasAddress ? hostIPHostports(family, .conditional) : hostports(family, .conditional)
            let when: NftablesExpression = .verdictMap(conditions(of: map), key: .first)
            return [
                family.only() + key(family, hasAddress: hasAddress) + [when],
                family.only()
                    + redirection(
                        family, hasAddress ? hostIPHostports(family) : hostports(family), hasAddress: hasAddress),
            ]
        }
    }

    /// What a map of ports is asked with.
    private static func key(_ family: AddressFamily, hasAddress: Bool) -> [NftablesExpression] {
        guard hasAddress else { return service(into: .first) }
        return [family.destination(into: .first)] + service(into: NftablesRegister.first.advanced(by: family.size))
    }

    /// Sends a connection where a map of ports says.
    static func redirection(_ family: AddressFamily, _ map: String, hasAddress: Bool) -> [NftablesExpression] {
        let behind = NftablesRegister.first.advanced(by: family.size)
        return key(family, hasAddress: hasAddress) + [
            .lookup(set: map, key: .first, into: .first),
            .destinationNAT(family.nftables, address: .first, port: behind),
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

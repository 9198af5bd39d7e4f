import CNITypes
import JSON
import Netlink

/// Drops frames that a container sends with another source than its interface's MAC address (`macspoofchk`), in our table of
/// bridges. Two elements for each port; the rules are fixed.
struct MACSpoofCheck {
    private let table: NftablesTable
    private let network: String

    /// `{port}`: those that are looked at.
    private static let ports = "spoof_ports"
    /// `{port . MAC address}`
    private static let addresses = "spoof_macs"
    private static let chain = "spoof"
    /// Before anything else looks at a frame (NF_BR_PRI_FIRST is the least number there is).
    private static let priority: Int32 = -400

    /// Nil when the network is not checked. Nothing else of the configuration is looked at.
    ///
    /// - Throws: `CNIError` 7 for a table's name that cannot be one.
    init?(_ configuration: NetworkConfiguration) throws(CNIError) {
        guard configuration.raw["macspoofchk"]?.boolValue == true else { return nil }
        table = NftablesTable(.bridge, try NftTableName.read(configuration).name)
        network = configuration.name
    }

    func add(_ request: AttachmentRequest, port: String, _ mac: MACAddress) throws(CNIError) {
        var elements = try OwnedElements(table)
        try elements.claim(Self.elements(port, mac), for: try request.owner, install: install)
    }

    func check(_ request: AttachmentRequest, port: String, _ mac: MACAddress) throws(CNIError) {
        var elements = try OwnedElements(table)
        guard try elements.chains().contains(Self.chain) else {
            throw CNIError(.internalFailure, "nftables table \(table) lacks the chain \(Self.chain)")
        }
        try elements.verify(Self.elements(port, mac), try request.owner)
    }

    func delete(_ request: AttachmentRequest) throws(CNIError) {
        let owner = try request.owner
        var elements = try OwnedElements(table)
        try elements.release(from: [Self.ports, Self.addresses]) { $0 == owner }
    }

    func collectGarbage(valid: Set<NetworkConfiguration.Attachment>) throws(CNIError) {
        var elements = try OwnedElements(table)
        try elements.release(from: [Self.ports, Self.addresses]) { [network] in $0.isGone(from: network, valid: valid) }
    }

    private static func elements(_ port: String, _ mac: MACAddress) -> [OwnedElement] {
        let key = FirewallRules.key(port)
        return [
            OwnedElement(set: ports, key: key), OwnedElement(set: addresses, key: key + mac.bytes + [0, 0]),
        ]
    }

    private func install(_ transaction: inout NftablesTransaction) {
        let chain = NftablesChain(
            Self.chain, of: table, base: .init(.filter, .prerouting, priority: Self.priority))
        transaction.add(table)
        transaction.add(chain)
        transaction.flush(chain)
        transaction.add(NftablesSet(Self.ports, key: [.interfaceName]), to: table)
        transaction.add(NftablesSet(Self.addresses, key: [.interfaceName, .macAddress]), to: table)
        let source = NftablesRegister.first.advanced(by: 16)
        transaction.add(
            NftablesRule(
                table: table, chain: chain.name,
                expressions: [
                    .meta(.inputInterfaceName, into: .first), .lookup(set: Self.ports, key: .first),
                    .payload(.link, offset: 6, length: 6, into: source),
                    .lookup(set: Self.addresses, key: .first, inverted: true), .verdict(.drop),
                ]))
    }
}

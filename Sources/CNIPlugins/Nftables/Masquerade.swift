import CNITypes
import Netlink

/// Gives what pods send beyond their own subnet an address of the host (`ipMasq`), in our table. Multicast keeps its
/// source. Everything is found in the request and in the table: an attachment's elements carry its name.
struct Masquerade {
    private let table: NftablesTable
    private let network: String

    /// - Throws: `CNIError` 7 for a table's name that cannot be one.
    init(_ configuration: NetworkConfiguration) throws(CNIError) {
        table = try NftTableName.read(configuration)
        network = configuration.name
    }

    /// Masquerades these addresses of an attachment, each with its subnet; again, it changes nothing.
    ///
    /// - Throws: `CNIError`.
    func add(_ addresses: [IPPrefix], containerID: String, interfaceName: String) throws(CNIError) {
        let owner = try ElementOwner(network, containerID, interfaceName)
        var elements = try OwnedElements(table)
        try elements.claim(Self.elements(addresses), for: owner) { [table] in
            MasqueradeRules.install(table, Self.subnets(addresses), &$0)
        }
    }

    /// Undoes `add`, whatever its addresses were; succeeds for what is gone.
    ///
    /// - Parameter addresses: what they probably were. If all of them are there, nothing else is looked for.
    func delete(_ addresses: [IPPrefix] = [], containerID: String, interfaceName: String) throws(CNIError) {
        let owner = try ElementOwner(network, containerID, interfaceName)
        var elements = try OwnedElements(table)
        let expected = Self.elements(addresses)
        if !expected.isEmpty, try elements.release(expected, of: owner).count == expected.count { return }
        try elements.release(from: MasqueradeRules.sets()) { $0 == owner }
    }

    /// Throws unless what `add` has made is there.
    func check(_ addresses: [IPPrefix], containerID: String, interfaceName: String) throws(CNIError) {
        let owner = try ElementOwner(network, containerID, interfaceName)
        var elements = try OwnedElements(table)
        let present = try elements.chains()
        let needed =
            ["masquerade"] + Self.subnets(addresses).map { MasqueradeRules.chain($0.family, length: $0.length) }
        if let missing = needed.first(where: { !present.contains($0) }) {
            throw CNIError(.internalFailure, "nftables table \(table) lacks the chain \(missing)")
        }
        try elements.verify(Self.elements(addresses), owner)
    }

    /// Removes what is of this network and of no valid attachment.
    func collectGarbage(valid: Set<NetworkConfiguration.Attachment>) throws(CNIError) {
        var elements = try OwnedElements(table)
        try elements.release(from: MasqueradeRules.sets()) { [network] in $0.isGone(from: network, valid: valid) }
    }

    static func subnets(_ addresses: [IPPrefix]) -> Set<MasqueradeRules.Subnet> {
        Set(addresses.map { .init(family: AddressFamily(of: $0.address), length: $0.length) })
    }

    static func elements(_ addresses: [IPPrefix]) -> [OwnedElement] {
        addresses.flatMap { prefix in
            let family = AddressFamily(of: prefix.address)
            let subnet = zip(prefix.address, family.mask(prefix.length)).map { $0 & $1 }
            let chain = MasqueradeRules.chain(family, length: prefix.length)
            return [
                OwnedElement(
                    set: MasqueradeRules.pods(family), key: prefix.address, value: .verdict(.goto(chain))),
                OwnedElement(set: MasqueradeRules.subnets(family), key: prefix.address + subnet),
            ]
        }
    }
}

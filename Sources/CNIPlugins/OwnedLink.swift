import CNITypes
import Netlink

/// An interface of the host that belongs to an attachment. Its name and its alias follow from that, so that it is found
/// without any record, also when the container's network namespace is gone.
struct OwnedLink: Sendable, Hashable {
    /// What the interface is, as the kernel names it.
    enum Kind: String, Sendable {
        case veth
        case ifb

        /// How its name begins.
        var prefix: String {
            switch self {
            case .veth: "veth"
            case .ifb: "bwp"
            }
        }
    }

    let kind: Kind
    let network: String
    let containerID: String
    let interfaceName: String

    private static let mark = "swiftlet"

    init(_ kind: Kind, network: String, containerID: String, interfaceName: String) {
        self.kind = kind
        self.network = network
        self.containerID = containerID
        self.interfaceName = interfaceName
    }

    init(_ kind: Kind, _ request: AttachmentRequest) {
        self.init(
            kind, network: request.configuration.name, containerID: request.environment.containerID,
            interfaceName: request.environment.interfaceName)
    }

    /// The attachment that `link` says it is of; nil for all that was not made here.
    init?(_ kind: Kind, _ link: Link) {
        let parts = (link.alias ?? "").split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        guard link.kind == kind.rawValue, parts.count == 4, parts[0] == Self.mark else { return nil }
        self.init(kind, network: parts[1], containerID: parts[2], interfaceName: parts[3])
        // Nobody else would name it so.
        guard names.contains(link.name) else { return nil }
    }

    var attachment: NetworkConfiguration.Attachment {
        .init(containerID: containerID, interfaceName: interfaceName)
    }

    /// What is written on the link.
    var alias: String { "\(Self.mark):\(network):\(containerID):\(interfaceName)" }

    /// The names it may have: the first, unless another attachment happens to have that.
    var names: [String] { (0..<4).map { name($0) } }

    private func name(_ attempt: UInt8) -> String {
        let hash = StableHash.of(alias.utf8 + [attempt])
        let text = String(UInt32(truncatingIfNeeded: hash ^ hash >> 32), radix: 16)
        return kind.prefix + String(repeating: "0", count: 8 - text.utf8.count) + text
    }

    /// - Throws: `CNIError` 7 when the names are too long for an alias.
    func requireAlias() throws(CNIError) {
        guard alias.utf8.count <= 255 else {
            throw CNIError(
                .invalidConfiguration, "network \(network) and container \(containerID) have names that are too long",
                details: "together with the interface's they may have 244 characters")
        }
    }

    /// Those of the attachment that are there: one, or none.
    func find(_ socket: inout RouteSocket) throws(CNIError) -> [Link] {
        try candidates(&socket).filter { OwnedLink(kind, $0) == self }
    }

    /// The first name that nobody else has, and what is left of an earlier ADD of this attachment, which is to go first.
    ///
    /// - Throws: `CNIError` 11 when all are taken.
    func freeName(_ socket: inout RouteSocket) throws(CNIError) -> (name: String, old: [Link]) {
        let links = try candidates(&socket)
        let old = links.filter { OwnedLink(kind, $0) == self }
        let taken = links.map(\.name).filter { name in !old.contains { $0.name == name } }
        guard let name = names.first(where: { !taken.contains($0) }) else {
            throw CNIError(
                .tryAgainLater, "all names for an interface of the host for container \(containerID) are taken",
                details: taken.joined(separator: ", "))
        }
        return (name, old)
    }

    private func candidates(_ socket: inout RouteSocket) throws(CNIError) -> [Link] {
        try asking("look for the interface of container \(containerID)") { () throws(NetlinkError) in
            try socket.links(names.map { .name($0) })
        }
    }

    /// Removes those of a network whose attachments are not in `valid`.
    static func collectGarbage(
        _ kind: Kind, of network: String, valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        var socket = try openRouteSocket()
        let links = try asking("list the interfaces") { () throws(NetlinkError) in try socket.links() }
        for link in links {
            guard let owned = OwnedLink(kind, link), owned.network == network, !valid.contains(owned.attachment)
            else { continue }
            try removeLink(link.name, &socket)
        }
    }
}

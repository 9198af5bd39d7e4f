import Base
import CNITypes
import Linux
import Netlink

/// The host's end of a container's interface. Its name and its alias follow from the attachment, so that it is found
/// without any record, also when the container's network namespace is gone.
struct HostVeth: Sendable, Hashable {
    var network: String
    var containerID: String
    var interfaceName: String

    private static let mark = "swiftlet"

    init(network: String, containerID: String, interfaceName: String) {
        self.network = network
        self.containerID = containerID
        self.interfaceName = interfaceName
    }

    init(_ request: AttachmentRequest) {
        self.init(
            network: request.configuration.name, containerID: request.environment.containerID,
            interfaceName: request.environment.interfaceName)
    }

    /// The attachment that `link` says it is of; nil for all that was not made here.
    init?(_ link: Link) {
        let parts = (link.alias ?? "").split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        guard link.kind == "veth", parts.count == 4, parts[0] == Self.mark else { return nil }
        self.init(network: parts[1], containerID: parts[2], interfaceName: parts[3])
        // Nobody else would name it so.
        guard names.contains(link.name) else { return nil }
    }

    /// What is written on the link.
    var alias: String { "\(Self.mark):\(network):\(containerID):\(interfaceName)" }

    /// The names it may have: the first, unless another attachment happens to have that.
    var names: [String] { (0..<4).map { name($0) } }

    private func name(_ attempt: UInt8) -> String {
        // FNV-1a: nothing hangs on it being hard to invert.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in alias.utf8 + [attempt] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let text = String(UInt32(truncatingIfNeeded: hash ^ hash >> 32), radix: 16)
        return "veth" + String(repeating: "0", count: 8 - text.utf8.count) + text
    }

    /// Those of the attachment that are there: one, or none.
    func find(_ socket: inout RouteSocket) throws(CNIError) -> [Link] {
        let links = try asking("look for the interface of container \(containerID)") { () throws(NetlinkError) in
            try socket.links(names.map { .name($0) })
        }
        return links.filter { HostVeth($0) == self }
    }

    /// What the pair is to be.
    struct Options: Sendable {
        /// The bridge that the host's end becomes a port of.
        var bridge: Link?
        /// How the bridge treats that port.
        var hairpin = false
        var isolated = false
        /// Of the container's end.
        var mac: MACAddress?
        /// Bytes; nil: the kernel's.
        var mtu: UInt32?
    }

    /// Makes the pair, the container's end down.
    ///
    /// - Throws: `CNIError`; nothing is left then.
    func create(
        _ options: Options, in container: borrowing ContainerNamespace, _ socket: inout RouteSocket
    ) throws(CNIError) -> VethPair {
        guard alias.utf8.count <= 255 else {
            throw CNIError(
                .invalidConfiguration, "network \(network) and container \(containerID) have names that are too long",
                details: "together with the interface's they may have 244 characters")
        }
        var macs: [MACAddress] = []
        try asking("choose MAC addresses") { () throws(NetlinkError) in
            macs = [try MACAddress.random(), try MACAddress.random()]
        }
        var pair = VethPair(
            name: "", mac: macs[0], master: options.bridge?.index, alias: alias, peerName: interfaceName,
            peerMAC: options.mac ?? macs[1], mtu: options.mtu)
        // Once more for one that another call took meanwhile.
        for _ in 0..<4 {
            pair.name = try freeName(in: container, &socket)
            do throws(NetlinkError) {
                try perform(pair, options, in: container, &socket)
                return pair
            } catch {
                if error.index > 0 { try Self.remove(pair.name, &socket) }
                guard error.errno == .exists, error.index == 0 else {
                    throw CNIError(
                        .inputOutput,
                        "cannot attach container \(containerID) to "
                            + (options.bridge.map { "the bridge \($0.name)" } ?? "the host"),
                        details: "\(error)")
                }
            }
            try requireNoInterface(in: container)
        }
        throw CNIError(.tryAgainLater, "other calls have taken every name for an interface of container \(containerID)")
    }

    private func perform(
        _ pair: VethPair, _ options: Options, in container: borrowing ContainerNamespace,
        _ socket: inout RouteSocket
    ) throws(NetlinkError) {
        var batch = NetlinkBatch(capacity: 4096)
        batch.createVeth(pair, peerNamespace: container.namespace.descriptor)
        if options.hairpin || options.isolated {
            batch.setBridgePort(.name(pair.name), hairpin: options.hairpin, isolated: options.isolated)
        }
        try socket.perform(batch)
    }

    /// The first name that nobody has. What an ADD that was cut off has left of this attachment goes.
    private func freeName(
        in container: borrowing ContainerNamespace, _ socket: inout RouteSocket
    ) throws(CNIError) -> String {
        let links = try asking("look for the interface of container \(containerID)") { () throws(NetlinkError) in
            try socket.links(names.map { .name($0) })
        }
        for link in links where HostVeth(link) == self {
            try requireNoInterface(in: container)
            try Self.remove(link.name, &socket)
        }
        let taken = links.filter { HostVeth($0) != self }.map(\.name)
        guard let name = names.first(where: { !taken.contains($0) }) else {
            throw CNIError(
                .tryAgainLater, "all names for the host's end of container \(containerID)'s interface are taken",
                details: taken.joined(separator: ", "))
        }
        return name
    }

    private func requireNoInterface(in container: borrowing ContainerNamespace) throws(CNIError) {
        let isThere = try container.run { () throws(CNIError) in
            var socket = try openRouteSocket()
            return try asking("look for \(interfaceName)") { () throws(NetlinkError) in
                try socket.link(named: interfaceName) != nil
            }
        }
        guard !isThere else {
            throw CNIError(
                .invalidConfiguration, "container \(containerID) has an interface \(interfaceName) already",
                details: "DEL removes it, or give CNI_IFNAME another name")
        }
    }

    /// Removes an interface of this thread's namespace, with its other end; succeeds when it is gone.
    static func remove(_ name: String, _ socket: inout RouteSocket) throws(CNIError) {
        try asking("remove the interface \(name)") { () throws(NetlinkError) in
            guard let link = try socket.link(named: name) else { return }
            try socket.removeLink(index: link.index)
        }
    }
}

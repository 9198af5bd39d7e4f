import Base
import CNITypes
import Linux
import Netlink

/// The host's end of a container's interface, which is found by its attachment alone.
struct HostVeth: Sendable, Hashable {
    private let owned: OwnedLink

    private var containerID: String { owned.containerID }
    private var interfaceName: String { owned.interfaceName }

    init(_ request: AttachmentRequest) { owned = OwnedLink(.veth, request) }

    /// Those of the attachment that are there: one, or none.
    func find(_ socket: inout RouteSocket) throws(CNIError) -> [Link] { try owned.find(&socket) }

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
        try owned.requireAlias()
        var macs: [MACAddress] = []
        try asking("choose MAC addresses") { () throws(NetlinkError) in
            macs = [try MACAddress.random(), try MACAddress.random()]
        }
        var pair = VethPair(
            name: "", mac: macs[0], master: options.bridge?.index, alias: owned.alias, peerName: interfaceName,
            peerMAC: options.mac ?? macs[1], mtu: options.mtu)
        // Once more for one that another call took meanwhile.
        for _ in 0..<4 {
            let (name, old) = try owned.freeName(&socket)
            if !old.isEmpty { try requireNoInterface(in: container) }
            // What an ADD that was cut off has left.
            for link in old { try removeLink(link.name, &socket) }
            pair.name = name
            do throws(NetlinkError) {
                try perform(pair, options, in: container, &socket)
                return pair
            } catch {
                if error.index > 0 { try removeLink(pair.name, &socket) }
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
}

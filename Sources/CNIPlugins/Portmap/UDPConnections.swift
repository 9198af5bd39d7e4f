import Base
import CLinux
import CNITypes
import Netlink

/// Connections of UDP have no beginning: what the kernel has tracked before a mapping came, or since before it went,
/// would go on the old way.
enum UDPConnections {
    /// A mapping of UDP as its element says it.
    private struct Target {
        var family: AddressFamily
        /// Nil: any of the host's.
        var hostAddress: [UInt8]?
        var hostPort: UInt16
        var podAddress: [UInt8]
        var podPort: UInt16

        /// Nil for what is no element of such a mapping.
        init?(set: String, key: [UInt8], value: NftablesElement.Value?) {
            guard let family = AddressFamily.allCases.first(where: { set.hasSuffix($0.suffix) }),
                HostportRules.maps().contains(set), case .bytes(let target) = value, target.count == family.size + 4
            else { return nil }
            let service = key.suffix(8)
            let hostAddress = key.dropLast(8)
            guard service.count == 8, service.first == PortMapping.TransportProtocol.udp.rawValue,
                hostAddress.isEmpty || hostAddress.count == family.size
            else { return nil }
            self.family = family
            self.hostAddress = hostAddress.isEmpty ? nil : Array(hostAddress)
            hostPort = Self.port(service.dropFirst(4))
            podAddress = Array(target.prefix(family.size))
            podPort = Self.port(target.dropFirst(family.size))
        }

        private static func port(_ bytes: ArraySlice<UInt8>) -> UInt16 {
            bytes.prefix(2).reduce(0) { $0 << 8 | UInt16($1) }
        }

        func leads(_ entry: ConntrackEntry) -> Bool {
            entry.reply.source == podAddress && entry.reply.sourcePort == podPort
        }
    }

    /// Forgets connections to the ports of new elements that go elsewhere.
    static func forgetOthers(_ elements: [OwnedElement]) throws(CNIError) {
        let targets = elements.compactMap { Target(set: $0.set, key: $0.key, value: $0.value) }
        guard !targets.isEmpty else { return }
        let local = try LocalAddresses.read()
        try forget(targets) { target, entry in
            let destination = entry.original.destination
            let isOurs = target.hostAddress.map { $0 == destination } ?? local.contains(destination)
            return isOurs && !target.leads(entry)
        }
    }

    /// Forgets connections that deleted elements have led to their pod.
    static func forgetThose(of elements: [(set: String, element: NftablesElement)]) throws(CNIError) {
        try forget(elements.compactMap { Target(set: $0.set, key: $0.element.key, value: $0.element.value) }) {
            $0.leads($1)
        }
    }

    private static func forget(
        _ targets: [Target], where isStale: (Target, ConntrackEntry) -> Bool
    ) throws(CNIError) {
        guard !targets.isEmpty else { return }
        do {
            var socket = try ConntrackSocket()
            for target in targets {
                let entries = try socket.entries(
                    isIPv6: target.family == .ipv6, transportProtocol: PortMapping.TransportProtocol.udp.rawValue,
                    to: target.hostPort)
                for entry in entries where isStale(target, entry) { try socket.delete(entry) }
            }
        } catch {
            throw CNIError(
                .inputOutput, "cannot end old UDP connections to mapped ports",
                details: "\(error); the kernel needs nf_conntrack_netlink")
        }
    }
}

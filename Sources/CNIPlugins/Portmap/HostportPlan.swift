import CNITypes
import Netlink

/// What `portmap` has in the kernel for an attachment.
struct HostportPlan: Sendable {
    var elements: [OwnedElement] = []
    /// What conditional mappings need beside their elements.
    var chains: Set<ConditionChain> = []
    /// Interfaces on which connections of the host's loopback must be able to leave.
    var loopbackInterfaces: [String] = []

    /// - Parameter interfaces: by which the host reaches the pod.
    /// - Throws: `CNIError` 7 for a mapping that cannot be: of a family that the pod has no address of, or of a port
    ///   that another mapping has.
    init(
        _ configuration: PortmapConfiguration, _ result: CNIResult, interfaces: [String]
    ) throws(CNIError) {
        let addresses = Self.podAddresses(result)
        var mapped: [AddressFamily: [UInt8]] = [:]
        var targets: [OwnedElement: PortMapping] = [:]
        for mapping in configuration.mappings {
            for (family, address) in try Self.families(of: mapping, addresses) {
                let conditions = configuration.conditions[family] ?? []
                let element = Self.element(mapping, family, address, conditions.isEmpty ? .always : .conditional)
                if let other = targets.keys.first(where: { $0.set == element.set && $0.key == element.key }),
                    other.value != element.value
                {
                    throw CNIError(
                        .invalidConfiguration, "\(element.contested ?? "a hostPort") is mapped twice",
                        details: "to the container's ports \(targets[other]?.containerPort ?? 0) and "
                            + "\(mapping.containerPort)")
                }
                guard targets.updateValue(mapping, forKey: element) == nil else { continue }
                elements.append(element)
                if !conditions.isEmpty {
                    let chain = ConditionChain(family, conditions, hasAddress: mapping.hasAddress)
                    chains.insert(chain)
                    elements.append(
                        OwnedElement(
                            set: HostportRules.conditions(of: element.set), key: element.key,
                            value: .verdict(.jump(chain.name)), contested: element.contested))
                }
                mapped[family] = address
                if configuration.masqueradesAll { elements.append(Self.masqueradeAll(mapping, family, address)) }
                if configuration.masqueradesWhereNeeded, family == .ipv4, mapping.takesLoopback {
                    loopbackInterfaces = interfaces
                }
            }
        }
        guard configuration.masqueradesWhereNeeded else { return }
        for family in AddressFamily.allCases {
            guard let address = mapped[family] else { continue }
            elements.append(OwnedElement(set: HostportRules.hairpins(family), key: address + address))
            if family == .ipv4 {
                elements.append(OwnedElement(set: HostportRules.hairpins(family), key: [127, 0, 0, 0] + address))
            }
            for interface in interfaces {
                elements.append(
                    OwnedElement(set: HostportRules.neighbours(family), key: address + Self.padded(interface)))
            }
        }
    }

    /// The pod's first address of each family: not one that is said to be the host's.
    static func podAddresses(_ result: CNIResult) -> [AddressFamily: [UInt8]] {
        var addresses: [AddressFamily: [UInt8]] = [:]
        for ip in result.ips where !ip.address.isLoopback {
            if let index = ip.interface, (result.interfaces[index].sandbox ?? "").isEmpty { continue }
            let family = AddressFamily(of: ip.address.address)
            if addresses[family] == nil { addresses[family] = ip.address.address }
        }
        return addresses
    }

    private static func families(
        of mapping: PortMapping, _ addresses: [AddressFamily: [UInt8]]
    ) throws(CNIError) -> [(AddressFamily, [UInt8])] {
        let wanted: AddressFamily?
        switch mapping.hostAddress {
        case .any(let family): wanted = family
        case .only(let address): wanted = AddressFamily(of: address)
        }
        let found = AddressFamily.allCases.compactMap { family in
            wanted == nil || wanted == family ? addresses[family].map { (family, $0) } : nil
        }
        guard found.isEmpty else { return found }
        let kind = wanted.map { $0 == .ipv6 ? "IPv6 " : "IPv4 " } ?? ""
        throw CNIError(
            .invalidConfiguration,
            "\(mapping) cannot be mapped: the container has no \(kind)address",
            details: "prevResult lists its addresses; give a hostIP of a family that it has, or none")
    }

    private static func service(_ transport: PortMapping.TransportProtocol, _ port: UInt16) -> [UInt8] {
        [transport.rawValue, 0, 0, 0] + bytes(port)
    }

    /// A port as it stands in a register.
    private static func bytes(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 0xFF), 0, 0] }

    private static func padded(_ interface: String) -> [UInt8] {
        let name = Array(interface.utf8.prefix(15))
        return name + [UInt8](repeating: 0, count: 16 - name.count)
    }

    private static func element(
        _ mapping: PortMapping, _ family: AddressFamily, _ address: [UInt8], _ kind: HostportRules.Kind
    ) -> OwnedElement {
        let service = service(mapping.transportProtocol, mapping.hostPort)
        let value = NftablesElement.Value.bytes(address + bytes(mapping.containerPort))
        if case .only(let hostAddress) = mapping.hostAddress {
            return OwnedElement(
                set: HostportRules.hostIPHostports(family, kind), key: hostAddress + service, value: value,
                contested: mapping.description)
        }
        return OwnedElement(
            set: HostportRules.hostports(family, kind), key: service, value: value, contested: mapping.description)
    }

    private static func masqueradeAll(
        _ mapping: PortMapping, _ family: AddressFamily, _ address: [UInt8]
    ) -> OwnedElement {
        OwnedElement(
            set: HostportRules.masqueradeAll(family),
            key: address + service(mapping.transportProtocol, mapping.containerPort))
    }
}

extension PortMapping: CustomStringConvertible {
    /// `hostPort 53/udp of hostIP 10.0.0.1`.
    var description: String {
        var text = "hostPort \(hostPort)/\(transportProtocol.name)"
        if case .only(let address) = hostAddress {
            text += " of hostIP \(IPPrefix.text(address))"
        }
        return text
    }

    var hasAddress: Bool { if case .only = hostAddress { true } else { false } }

    /// Whether it also takes what the host sends to 127.0.0.0/8.
    var takesLoopback: Bool {
        switch hostAddress {
        case .any(let family): family != .ipv6
        case .only(let address): address.count == 4 && address[0] == 127
        }
    }
}

import Base
import CNITypes
import JSON
import Netlink

/// Which of the host's interfaces is lent.
enum HostInterface: Sendable, Hashable, CustomStringConvertible {
    case name(String)
    case mac(MACAddress)
    /// A device below /sys/devices.
    case path(String)
    /// Its address on the PCI bus, as `0000:00:1f.6`.
    case pci(String)

    /// - Throws: `JSONError` unless exactly one is named.
    init(_ root: JSONValue) throws(JSONError) {
        func fail(_ key: String, _ message: String) -> JSONError {
            JSONError("\(key): \(message)", at: root[key]?.position ?? root.position)
        }
        func text(_ value: JSONValue?, _ key: String) throws(JSONError) -> String? {
            try value?.optionalString(key).flatMap { $0.isEmpty ? nil : $0 }
        }
        let runtime = try root.optional("runtimeConfig", "an object") { $0.objectValue.map { JSONValue.object($0) } }
        var choices: [HostInterface] = []
        if let name = try text(root, "device") {
            guard PluginEnvironment.isInterfaceName(name) else {
                throw fail("device", "no interface can have this name")
            }
            choices.append(.name(name))
        }
        if let address = try text(root, "hwaddr") {
            guard let mac = MACAddress(address) else { throw fail("hwaddr", "expected a MAC address") }
            choices.append(.mac(mac))
        }
        if let path = try text(root, "kernelpath") {
            guard path.hasPrefix("/sys/devices/"), !path.split(separator: "/").contains("..") else {
                throw fail("kernelpath", "expected a path that begins with /sys/devices/")
            }
            choices.append(.path(path))
        }
        // The runtime's word stands in the place of the configuration's.
        let own = try text(root, "pciBusID")
        if let id = try text(runtime, "deviceID") ?? own {
            guard id.utf8.allSatisfy({ Self.pciCharacters.contains($0) }), id != ".." else {
                throw fail("pciBusID", "expected the address of a device on the PCI bus, as 0000:00:1f.6")
            }
            choices.append(.pci(id))
        }
        guard choices.count == 1, let choice = choices.first else {
            throw JSONError(
                "expected exactly one of device, hwaddr, kernelpath and pciBusID, found \(choices.count)",
                at: root.position)
        }
        self = choice
    }

    private static let pciCharacters = Set("0123456789abcdefABCDEF:.".utf8)

    var description: String {
        switch self {
        case .name(let name): name
        case .mac(let mac): "with the MAC address \(mac)"
        case .path(let path): "of the device \(path)"
        case .pci(let id): "of the PCI device \(id)"
        }
    }

    /// The interface, where it is in the network namespace of this thread.
    func find(_ socket: inout RouteSocket) throws(CNIError) -> Link? {
        let links = try asking("look for the interface \(self)") { () throws(NetlinkError) in try socket.links() }
        switch self {
        case .name(let name): return links.first { $0.name == name }
        case .mac(let mac): return links.first { $0.mac == mac }
        case .path(let path): return Self.find(links, [path])
        case .pci(let id):
            let device = "/sys/bus/pci/devices/\(id)"
            // A virtual one has its interface a level deeper.
            let virtual = ((try? Files.list(device)) ?? []).filter { $0.hasPrefix("virtio") }
            return Self.find(links, [device] + virtual.map { Path.join(device, $0) })
        }
    }

    /// The interface of one of the devices.
    private static func find(_ links: [Link], _ devices: [String]) -> Link? {
        let names = devices.flatMap { (try? Files.list(Path.join($0, "net"))) ?? [] }
        return links.first { names.contains($0.name) }
    }

    /// The name, where that is what it is chosen by.
    var name: String? { if case .name(let name) = self { name } else { nil } }
}

import Base
import CNITypes
import JSON
import Linux
import Netlink

/// Lends the container one of the host's interfaces. Its alias says so and keeps the name that it had, by which it is given
/// back.
public struct HostDevice: InterfacePlugin {
    public static let name = "host-device"
    private static let mark = "swiftlet:host-device:"

    public init() {}

    static func read(
        _ root: JSONValue, _ environment: PluginEnvironment, previous: CNIResult?
    ) throws(JSONError) -> InterfaceConfiguration {
        _ = try HostInterface(root)
        return InterfaceConfiguration(nil)
    }

    private static func choice(_ configuration: NetworkConfiguration) throws(CNIError) -> HostInterface {
        try reading("the host-device configuration of network \(configuration.name)") { () throws(JSONError) in
            try HostInterface(.object(configuration.raw))
        }
    }

    static func make(
        _ wanted: InterfaceConfiguration, _ request: AttachmentRequest, in container: borrowing ContainerNamespace
    ) throws(CNIError) {
        let choice = try choice(request.configuration)
        let name = request.environment.interfaceName
        let isTaken = try container.run { () throws(CNIError) -> Bool in
            var inside = try openRouteSocket()
            return try asking("look for \(name)") { () throws(NetlinkError) in try inside.link(named: name) != nil }
        }
        guard !isTaken else {
            throw CNIError(
                .invalidConfiguration, "container \(request.environment.containerID) has an interface \(name) already",
                details: "DEL gives it back, or give CNI_IFNAME another name")
        }
        var socket = try openRouteSocket()
        guard let link = try choice.find(&socket) else {
            throw CNIError(
                .invalidConfiguration,
                "the host has no interface \(choice), which network \(request.configuration.name) lends",
                details: "another container may have it")
        }
        try asking("lend interface \(link.name)") { () throws(NetlinkError) in
            var batch = NetlinkBatch(capacity: 1024)
            // The kernel moves none that is up.
            batch.setUp(.index(link.index), false)
            // One that came back by itself, when a container went, still has the name that it had there.
            batch.setAlias(.index(link.index), mark + (ownName(of: link) ?? link.name))
            batch.move(.index(link.index), to: container.namespace.descriptor, as: name)
            try socket.perform(batch)
        }
    }

    static func remove(_ request: AttachmentRequest) throws(CNIError) {
        if !request.environment.namespacePath.isEmpty, let container = try request.openNamespace() {
            try container.run { () throws(CNIError) in
                try giveBack(request, to: container.home.descriptor)
            }
        }
        try restore(request.configuration)
    }

    /// The name that it had before it was lent; nil for one that was not.
    private static func ownName(of link: Link) -> String? {
        guard let alias = link.alias, alias.hasPrefix(mark) else { return nil }
        let name = String(alias.dropFirst(mark.count))
        return PluginEnvironment.isInterfaceName(name) ? name : nil
    }

    /// Moves the interface from this thread's network namespace to the host's, with the name that it had there.
    private static func giveBack(
        _ request: AttachmentRequest, to host: borrowing FileDescriptor
    ) throws(CNIError) {
        let name = request.environment.interfaceName
        var socket = try openRouteSocket()
        let link = try asking("find interface \(name)") { () throws(NetlinkError) in try socket.link(named: name) }
        guard let link else { return }
        // The container may have written anything there.
        let own = try choice(request.configuration).name ?? ownName(of: link) ?? name
        do throws(NetlinkError) {
            try socket.perform {
                $0.setUp(.index(link.index), false)
                $0.setAlias(.index(link.index), mark + own)
            }
            do throws(NetlinkError) {
                try move(link, to: host, as: own, &socket)
            } catch {
                // Another has its name by now: it is not lost for that, and gets it when the other goes.
                guard error.errno == .exists else { throw error }
                if try socket.link(.index(link.index)) == nil { return }
                try move(link, to: host, as: "dev%d", &socket)
            }
        } catch {
            throw CNIError(.inputOutput, "cannot give back interface \(own)", details: "\(error)")
        }
    }

    private static func move(
        _ link: Link, to namespace: borrowing FileDescriptor, as name: String, _ socket: inout RouteSocket
    ) throws(NetlinkError) {
        var batch = NetlinkBatch(capacity: 256)
        batch.move(.index(link.index), to: namespace, as: name)
        try socket.perform(batch)
    }

    /// Gives an interface that is back its name, and takes the mark away: the kernel gives back those of hardware itself
    /// when a container's namespace ends, by the name that they had there.
    private static func restore(_ configuration: NetworkConfiguration) throws(CNIError) {
        let choice = try choice(configuration)
        var socket = try openRouteSocket()
        let lent = try asking("look for the interface \(choice)") { () throws(NetlinkError) in
            try socket.links().first { ownName(of: $0) == choice.name }
        }
        guard let link = try choice.find(&socket) ?? (choice.name == nil ? nil : lent), let own = ownName(of: link)
        else { return }
        let isFree = try asking("look for \(own)") { () throws(NetlinkError) in try socket.link(named: own) == nil }
        guard own == link.name || isFree else { return }
        try asking("give interface \(own) its name") { () throws(NetlinkError) in
            try socket.perform {
                if own != link.name {
                    $0.setUp(.index(link.index), false)
                    $0.rename(index: link.index, to: own)
                }
                $0.setAlias(.index(link.index), "")
            }
        }
    }

    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        // Whether the device is there says nothing: a container may have it.
        _ = try Self.choice(configuration)
        try IPAMDelegate(of: configuration, environment, caller: Self.name)?.status()
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        var failures: [CNIError] = []
        collect(&failures) { () throws(CNIError) in try Self.restore(configuration) }
        collect(&failures) { () throws(CNIError) in
            try IPAMDelegate(of: configuration, environment, caller: Self.name)?.collectGarbage()
        }
        if let failure = failures.first { throw failure }
    }
}

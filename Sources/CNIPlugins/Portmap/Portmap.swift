import Base
import CNITypes
import JSON
import Netlink

/// Leads ports of the host to the container, by nftables. Chained behind the plugin that gives the container its
/// address.
public struct Portmap: CNIPlugin {
    public static let name = "portmap"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let (configuration, previous) = try Self.read(request)
        guard !configuration.mappings.isEmpty else { return previous }
        let owner = try request.owner
        let plan = try HostportPlan(configuration, previous, interfaces: try HostInterfaces.routing(previous))
        var elements = try OwnedElements(configuration.table)
        try elements.claim(plan.elements, for: owner) {
            HostportRules.install(configuration.table, plan.chains, &$0)
        }
        do {
            // Only now: with the rules there is the one that keeps others from the host's loopback addresses.
            for interface in plan.loopbackInterfaces { try RouteLocalnet.turnOn(interface) }
            try UDPConnections.forgetOthers(plan.elements)
        } catch {
            _ = try? elements.release(plan.elements, of: owner)
            throw error
        }
        return previous
    }

    /// What the configuration names is looked up; where it says too little, or is not valid, everything of the
    /// attachment is searched.
    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        let owner = try request.owner
        var elements = try OwnedElements(try NftTableName.read(request.configuration))
        if let plan = Self.plan(request) {
            return try UDPConnections.forgetThose(of: try elements.release(plan.elements, of: owner))
        }
        try UDPConnections.forgetThose(of: try elements.release(from: HostportRules.sets()) { $0 == owner })
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let (configuration, previous) = try Self.read(request)
        guard !configuration.mappings.isEmpty else { return }
        let plan = try HostportPlan(configuration, previous, interfaces: try HostInterfaces.routing(previous))
        var elements = try OwnedElements(configuration.table)
        let present = try elements.chains()
        if let missing = (HostportRules.chainNames(configuration.table) + plan.chains.map(\.name)).first(where: {
            !present.contains($0)
        }) {
            throw CNIError(.internalFailure, "nftables table \(configuration.table) lacks the chain \(missing)")
        }
        try elements.verify(plan.elements, try request.owner)
        for interface in plan.loopbackInterfaces {
            guard (try? RouteLocalnet.isOn(interface)) == true else {
                throw CNIError(
                    .internalFailure, "connections of localhost cannot leave by interface \(interface)",
                    details: "net.ipv4.conf.\(interface).route_localnet is not 1")
            }
        }
    }

    /// Throws unless the configuration is valid and nftables can be used.
    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        _ = try PortmapConfiguration(configuration)
        try requireNftables()
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        var elements = try OwnedElements(try NftTableName.read(configuration))
        let released = try elements.release(from: HostportRules.sets()) {
            $0.isGone(from: configuration.name, valid: valid)
        }
        try UDPConnections.forgetThose(of: released)
        try elements.removeUnusedChains(ConditionChain.prefix)
    }

    private static func read(_ request: AttachmentRequest) throws(CNIError) -> (PortmapConfiguration, CNIResult) {
        let configuration = try PortmapConfiguration(request.configuration)
        return (configuration, try request.chainedResult(name))
    }

    /// What `add` has made, in so far as the request says it; nil when it does not.
    private static func plan(_ request: AttachmentRequest) -> HostportPlan? {
        guard let (configuration, previous) = try? read(request), !configuration.mappings.isEmpty,
            !HostInterfaces.named(in: previous).isEmpty
        else { return nil }
        // All that it may have been: an interface may have gone meanwhile.
        return try? HostportPlan(configuration, previous, interfaces: HostInterfaces.named(in: previous))
    }
}

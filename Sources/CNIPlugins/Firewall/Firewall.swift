import Base
import CNITypes
import Netlink

/// Lets a container's packets pass where other programs' rules would drop them, and keeps networks or containers apart
/// (`ingressPolicy`). Chained behind the plugin that gives the container its addresses.
public struct Firewall: CNIPlugin {
    public static let name = "firewall"

    public init() {}

    /// What an attachment has.
    private struct Plan {
        /// By which the host reaches the container.
        var interfaces: [String]
        var elements: [OwnedElement] = []
        var ports: [OwnedElement] = []
        var includesIPv6 = false

        init(_ request: AttachmentRequest, _ result: CNIResult, isIsolated: Bool) throws(CNIError) {
            interfaces = try HostInterfaces.routing(result)
            for ip in try request.interface(in: result).ips {
                let family = AddressFamily(of: ip.address.address)
                includesIPv6 = includesIPv6 || family == .ipv6
                elements += interfaces.map {
                    OwnedElement(
                        set: FirewallRules.attachments(family), key: FirewallRules.key($0) + ip.address.address)
                }
            }
            if elements.isEmpty { interfaces = [] }
            guard isIsolated else { return }
            for name in HostInterfaces.named(in: result) where !interfaces.contains(name) {
                ports.append(OwnedElement(set: FirewallRules.ports, key: FirewallRules.key(name)))
            }
        }
    }

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let configuration = try FirewallConfiguration(request.configuration)
        let result = try request.chainedResult(Self.name)
        let (table, owner) = (configuration.table, try request.owner)
        let plan = try Plan(request, result, isIsolated: configuration.policy == .isolated)
        do throws(CNIError) {
            var elements = try OwnedElements(table)
            try elements.claim(plan.elements, for: owner) { FirewallRules.install(table, &$0) }
            var ports = try OwnedElements(FirewallRules.portTable(table))
            try ports.claim(plan.ports, for: owner) { FirewallRules.installPorts(table, &$0) }
            var rules = try FirewallInterface(table)
            for interface in plan.interfaces {
                try rules.ensure(
                    interface, includesIPv6: plan.includesIPv6, isApart: configuration.policy != .open)
            }
        } catch {
            // The failure that led here is the one to tell.
            try? Self.release(table) { $0 == owner }
            throw error
        }
        return result
    }

    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        let owner = try request.owner
        try Self.release(try NftTableName.read(request.configuration)) { $0 == owner }
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let configuration = try FirewallConfiguration(request.configuration)
        let (table, owner) = (configuration.table, try request.owner)
        let plan = try Plan(
            request, try request.requiredResult(), isIsolated: configuration.policy == .isolated)
        var elements = try OwnedElements(table)
        try elements.verify(plan.elements, owner)
        if !plan.elements.isEmpty, try !elements.chains().contains(FirewallRules.chain(table).name) {
            throw CNIError(
                .internalFailure, "nftables table \(table) lacks the chain \(FirewallRules.chain(table).name)")
        }
        var ports = try OwnedElements(FirewallRules.portTable(table))
        try ports.verify(plan.ports, owner)
        var rules = try FirewallInterface(table)
        for interface in plan.interfaces {
            try rules.check(interface, includesIPv6: plan.includesIPv6, isApart: configuration.policy != .open)
        }
    }

    /// Throws unless the configuration is valid and nftables can be used.
    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        _ = try FirewallConfiguration(configuration)
        try requireNftables()
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        try Self.release(try NftTableName.read(configuration)) { $0.isGone(from: configuration.name, valid: valid) }
    }

    /// Removes what is of these owners, and what was there for interfaces that nobody else has.
    private static func release(
        _ table: NftablesTable, where isGone: (ElementOwner) -> Bool
    ) throws(CNIError) {
        var ports = try OwnedElements(FirewallRules.portTable(table))
        try ports.release(from: [FirewallRules.ports], where: isGone)
        var elements = try OwnedElements(table)
        let released = try elements.release(from: FirewallRules.sets(), where: isGone)
        var rules = try FirewallInterface(table)
        try rules.release(Set(released.map { FirewallRules.interface($0.element.key) }))
    }
}

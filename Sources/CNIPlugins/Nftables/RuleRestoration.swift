import Base
import CLinux
import CNITypes
import JSON
import Netlink

/// Puts back what our plugins' ADD has put into nftables, and another program has removed: the rules, and what of their
/// elements is missing, in one transaction a table. Connections that are tracked already go on meanwhile. Only tables of
/// ours are touched.
public struct RuleRestoration {
    private struct Part {
        var elements: [(owner: ElementOwner, element: OwnedElement)] = []
        var subnets: Set<MasqueradeRules.Subnet> = []
        var hasHostports = false
        var conditions: Set<ConditionChain> = []
    }

    /// An element as it is to be, and what of it stands in its place.
    private typealias Missing = (old: NftablesElement?, owner: ElementOwner, new: OwnedElement)

    private var parts: [NftablesTable: Part] = [:]
    /// Attachments that `firewall` looks after.
    private var guarded: [(table: NftablesTable, isIsolated: Bool, request: AttachmentRequest)] = []

    /// How often others may change the ruleset between our reading and writing.
    private static let attempts = 50

    public init() {}

    /// Whether a plugin of this name keeps something in nftables.
    public static func concerns(_ plugin: String) -> Bool {
        [Bridge.name, Firewall.name, PointToPoint.name, Portmap.name].contains(plugin)
    }

    /// Whether a plugin of this name puts rules into other programs' chains.
    public static func reachesOthers(_ plugin: String) -> Bool { plugin == Firewall.name }

    /// The tables that a plugin with this configuration uses.
    ///
    /// - Throws: `CNIError` 7 for a name that cannot be one.
    public static func tables(_ configuration: NetworkConfiguration) throws(CNIError) -> [NftablesTable] {
        let table = try NftTableName.read(configuration)
        return [table, FirewallRules.portTable(table)]
    }

    /// Adds what an attachment has of the plugin of this name. Nothing is looked at in nftables.
    ///
    /// - Parameter configuration: as CHECK would get it, with the result of ADD.
    /// - Throws: `CNIError`.
    public mutating func add(
        _ plugin: String, _ environment: PluginEnvironment, _ configuration: NetworkConfiguration
    ) throws(CNIError) {
        let request = AttachmentRequest(environment: environment, configuration: configuration)
        switch plugin {
        case Portmap.name:
            let wanted = try PortmapConfiguration(configuration)
            guard !wanted.mappings.isEmpty else { return }
            let result = try request.requiredResult()
            let plan = try HostportPlan(wanted, result, interfaces: try HostInterfaces.routing(result))
            let owner = try request.owner
            parts[wanted.table, default: Part()].hasHostports = true
            parts[wanted.table, default: Part()].conditions.formUnion(plan.chains)
            parts[wanted.table, default: Part()].elements += plan.elements.map { (owner, $0) }
        case Bridge.name, PointToPoint.name:
            guard configuration.raw["ipMasq"]?.boolValue == true else { return }
            let addresses = try request.interface(in: try request.requiredResult()).ips.map(\.address)
            let owner = try request.owner
            let table = try NftTableName.read(configuration)
            parts[table, default: Part()].subnets.formUnion(Masquerade.subnets(addresses))
            parts[table, default: Part()].elements += Masquerade.elements(addresses).map { (owner, $0) }
        case Firewall.name:
            let wanted = try FirewallConfiguration(configuration)
            guarded.append((wanted.table, wanted.policy == .isolated, request))
        default: break
        }
    }

    /// Looks at each table and puts back what is missing.
    ///
    /// - Returns: the tables that lacked something.
    /// - Throws: `CNIError`; tables before the one that failed are as they should be.
    public func restore() throws(CNIError) -> [NftablesTable] {
        var restored: [NftablesTable] = []
        for (table, part) in parts.sorted(by: { $0.key.name < $1.key.name }) {
            do {
                guard let missing = try Self.restore(table, part) else { continue }
                restored.append(table)
                try UDPConnections.forgetOthers(missing)
            } catch let error as NetlinkError {
                throw CNIError(
                    .inputOutput, "cannot put back what is missing of nftables table \(table)",
                    details: error.description)
            } catch let error as CNIError {
                throw error
            } catch {
                throw CNIError(.internalFailure, "\(error)")
            }
        }
        for (table, isIsolated, request) in guarded where try Self.restore(table, isIsolated, request) {
            if !restored.contains(table) { restored.append(table) }
        }
        return restored
    }

    /// What `firewall` has of an attachment stands partly in other programs' chains: it is made again where it is not as
    /// it should be.
    ///
    /// - Returns: whether something was missing.
    private static func restore(
        _ table: NftablesTable, _ isIsolated: Bool, _ request: AttachmentRequest
    ) throws(CNIError) -> Bool {
        var isMissing = false
        do throws(NetlinkError) {
            var socket = try NftablesSocket()
            var transaction = NftablesTransaction()
            FirewallRules.install(table, &transaction)
            if isIsolated { FirewallRules.installPorts(table, &transaction) }
            for (table, wanted) in transaction.inventory
            where try socket.inventory(of: table)?.covers(wanted) != true {
                isMissing = true
            }
            if isMissing { try socket.commit(transaction) }
        } catch {
            throw CNIError(
                .inputOutput, "cannot put back what is missing of nftables table \(table)", details: error.description)
        }
        do throws(CNIError) { try Firewall().check(request) } catch {
            _ = try Firewall().add(request)
            return true
        }
        return isMissing
    }

    /// Nil when nothing was missing.
    private static func restore(_ table: NftablesTable, _ part: Part) throws -> [OwnedElement]? {
        var socket = try NftablesSocket()
        for _ in 0..<attempts {
            let generation = try socket.generation()
            let missing = try missing(of: part, table, &socket)
            let capacity = (64 << 10) + missing.count * 1024
            var transaction = NftablesTransaction(capacity: capacity, generation: generation)
            if part.hasHostports { HostportRules.install(table, part.conditions, &transaction) }
            if !part.subnets.isEmpty { MasqueradeRules.install(table, part.subnets, &transaction) }
            let wanted = transaction.inventory[table] ?? NftablesInventory()
            if missing.isEmpty, try socket.inventory(of: table)?.covers(wanted) == true { return nil }
            for (set, elements) in Dictionary(grouping: missing, by: \.new.set) {
                transaction.delete(elements.compactMap(\.old), from: set, of: table)
                transaction.add(
                    elements.map {
                        NftablesElement(key: $0.new.key, value: $0.new.value, comment: $0.owner.description)
                    }, to: set, of: table)
            }
            do throws(NetlinkError) {
                try socket.commit(transaction)
                return missing.map(\.new)
            } catch {
                guard [.exists, .busy, .noEntry, Errno(rawValue: ERESTART)].contains(error.errno) else { throw error }
            }
        }
        throw NetlinkError("change table \(table)", .again, explanation: "others change the ruleset all the time")
    }

    /// What of the part's elements is not there. What another attachment has now is left to it.
    private static func missing(
        of part: Part, _ table: NftablesTable, _ socket: inout NftablesSocket
    ) throws(NetlinkError) -> [Missing] {
        var missing: [Missing] = []
        var seen: Set<[UInt8]> = []
        for (set, wanted) in Dictionary(grouping: part.elements, by: \.element.set) {
            var present: [[UInt8]: NftablesElement] = [:]
            for element in try socket.elements(of: set, in: table) ?? [] { present[element.key] = element }
            for (owner, element) in wanted {
                guard seen.insert(Array(set.utf8) + [0] + element.key).inserted else { continue }
                let found = present[element.key]
                if let found, found.comment != owner.description || found.value == element.value { continue }
                missing.append((found, owner, element))
            }
        }
        return missing
    }
}

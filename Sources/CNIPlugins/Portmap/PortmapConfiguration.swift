import CNITypes
import JSON
import Netlink

/// What the configuration of `portmap` says.
struct PortmapConfiguration: Sendable {
    var table: NftablesTable
    var mappings: [PortMapping]
    /// When the mappings hold, by family; empty for always.
    var conditions: [AddressFamily: [PortmapCondition]] = [:]
    /// Whether connections that would otherwise fail get an address of the host.
    var masqueradesWhereNeeded: Bool
    /// Whether all connections through a port get one.
    var masqueradesAll: Bool

    /// - Throws: `CNIError` 2 for members of which nothing is done here, 7 for what is not valid.
    init(_ configuration: NetworkConfiguration) throws(CNIError) {
        table = try NftTableName.read(configuration)
        let raw = JSONValue.object(configuration.raw)
        do {
            try Self.refuseUnsupported(raw)
            masqueradesWhereNeeded = try raw.optionalBool("snat") ?? true
            masqueradesAll = try raw.optionalBool("masqAll") ?? false
            // No packet is marked here, so which bit it would be does not matter.
            _ = try raw.optionalInteger("markMasqBit")
            mappings = try Self.mappings(raw)
            for (family, key) in [(AddressFamily.ipv4, "conditionsV4"), (.ipv6, "conditionsV6")] {
                do {
                    conditions[family] = try PortmapCondition.read(try raw.optionalStrings(key) ?? [], family)
                } catch {
                    throw JSONError("\(key): \(error.message)", at: raw[key]?.position ?? raw.position)
                }
            }
        } catch let error as CNIError {
            throw error
        } catch {
            throw CNIError(.invalidConfiguration, "the configuration of portmap is not valid", details: "\(error)")
        }
    }

    private static func mappings(_ raw: JSONValue) throws -> [PortMapping] {
        guard let runtime = raw["runtimeConfig"], !runtime.isNull else { return [] }
        var mappings: [PortMapping] = []
        for value in try runtime.optional("portMappings", "a list", { $0.arrayValue }) ?? [] {
            mappings.append(try PortMapping(json: value))
        }
        return mappings
    }

    private static func refuseUnsupported(_ raw: JSONValue) throws {
        if let backend = try raw.optionalString("backend"), backend != "nftables" {
            throw CNIError(
                .unsupportedField, "backend \"\(backend)\" is not supported by this portmap",
                details: "it uses nftables; leave backend out or set it to \"nftables\"")
        }
        if let chain = try raw.optionalString("externalSetMarkChain"), !chain.isEmpty {
            throw CNIError(
                .unsupportedField, "externalSetMarkChain \"\(chain)\" is not supported by this portmap",
                details: "it masquerades by itself and calls no chain of iptables; leave it out")
        }
    }
}

import CNITypes

/// Gives out the addresses that stand in the configuration. It is called by the plugin that makes the interface, and keeps
/// nothing.
public struct StaticAddresses: CNIPlugin {
    public static let name = "static"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let wanted = try StaticConfiguration(request.configuration, request.environment)
        return CNIResult(ips: wanted.addresses, routes: wanted.routes, dns: wanted.dns)
    }

    /// Nothing is kept that could be given back.
    public func delete(_ request: AttachmentRequest) throws(CNIError) {}

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let wanted = try StaticConfiguration(request.configuration, request.environment)
        let result = try request.requiredResult()
        for ip in wanted.addresses {
            guard let found = result.ips.first(where: { $0.address.address == ip.address.address }) else {
                throw CNIError(.internalFailure, "prevResult lacks the address \(ip.address)")
            }
            guard ip.gateway == nil || ip.gateway == found.gateway else {
                throw CNIError(
                    .internalFailure,
                    "the gateway of \(ip.address) is \(found.gateway ?? "none") in prevResult, not \(ip.gateway ?? "")")
            }
        }
    }

    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        _ = try StaticConfiguration(configuration, environment)
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {}
}

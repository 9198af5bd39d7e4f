import Base
import CNITypes
import JSON
import Netlink

/// Changes kernel parameters and attributes of an interface that another plugin has made, in whose chain it stands, and
/// makes the attributes what they were when the container goes and its interface does not.
public struct Tuning: CNIPlugin {
    public static let name = "tuning"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let wanted = try TuningConfiguration(request)
        var result = try request.chainedResult(Self.name)
        try SysctlAllowList.check(wanted.sysctls)
        let name = request.environment.interfaceName
        try request.inRequiredNamespace { () throws(CNIError) in
            for sysctl in wanted.sysctls { try sysctl.set() }
            guard !wanted.attributes.isEmpty else { return }
            var socket = try openRouteSocket()
            let link = try ContainerInterface.find(name, &socket)
            try TuningBackup(request, wanted.folder).save(InterfaceAttributes(of: link, before: wanted.attributes))
            try asking("tune interface \(name)") { () throws(NetlinkError) in
                try socket.perform { wanted.attributes.apply(to: link.index, &$0) }
            }
        }
        let sandbox = request.environment.namespacePath
        for i in result.interfaces.indices
        where result.interfaces[i].name == name && result.interfaces[i].sandbox == sandbox {
            if let mac = wanted.attributes.mac { result.interfaces[i].mac = mac.description }
            if let mtu = wanted.attributes.mtu { result.interfaces[i].mtu = Int64(mtu) }
        }
        return result
    }

    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        let backup = TuningBackup(request, try TuningConfiguration.folder(request.configuration))
        guard let attributes = try backup.load() else { return }
        if !request.environment.namespacePath.isEmpty {
            _ = try request.inNamespace { () throws(CNIError) in
                var socket = try openRouteSocket()
                let name = request.environment.interfaceName
                try asking("make interface \(name) what it was") { () throws(NetlinkError) in
                    guard let link = try socket.link(named: name) else { return }
                    try socket.perform { attributes.apply(to: link.index, &$0) }
                }
            }
        }
        try backup.remove()
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let wanted = try TuningConfiguration(request)
        _ = try request.requiredResult()
        try request.inRequiredNamespace { () throws(CNIError) in
            for sysctl in wanted.sysctls { try sysctl.check() }
            var socket = try openRouteSocket()
            let link = try ContainerInterface.find(request.environment.interfaceName, &socket)
            if let difference = wanted.attributes.difference(from: link) {
                throw CNIError(.internalFailure, "interface \(link.name) \(difference)")
            }
        }
    }

    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        var environment = environment
        environment.interfaceName = "eth0"
        let wanted = try TuningConfiguration(
            AttachmentRequest(environment: environment, configuration: configuration))
        do {
            try SysctlAllowList.check(wanted.sysctls)
        } catch {
            throw CNIError(.unavailable, error.message, details: error.details)
        }
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        try TuningBackup.collectGarbage(
            in: try TuningConfiguration.folder(configuration), network: configuration.name, valid: valid)
    }
}

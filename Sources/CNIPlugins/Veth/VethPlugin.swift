import Base
import CNITypes
import Netlink

/// A plugin that attaches a container by a veth pair, with addresses that another plugin gives out. The host's end is found
/// by its attachment alone, so that what was made can be removed whatever became of namespace and configuration.
protocol VethPlugin: CNIPlugin {}

extension VethPlugin {
    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        var failures: [CNIError] = []
        // The address first, as the reference plugin does: some plugins give it back over the interface.
        collect(&failures) { () throws(CNIError) in
            try IPAMDelegate(of: request.configuration, request.environment, caller: Self.name)?.delete()
        }
        collect(&failures) { () throws(CNIError) in
            var socket = try openRouteSocket()
            let own = try HostVeth(request).find(&socket)
            let isWaitedFor = own.isEmpty || request.mayHaveNamespace
            for link in own {
                try asking("remove the interface \(link.name)") { () throws(NetlinkError) in
                    // The container's end went, or goes, with its namespace: nobody waits for the host's.
                    _ =
                        isWaitedFor
                        ? try socket.removeLink(index: link.index) : try socket.beginRemoval(index: link.index)
                }
            }
            // Made by another program's plugin, as before an upgrade.
            if own.isEmpty, !request.environment.namespacePath.isEmpty {
                _ = try request.inNamespace { () throws(CNIError) in
                    var inside = try openRouteSocket()
                    try removeLink(request.environment.interfaceName, &inside)
                }
            }
        }
        collect(&failures) { () throws(CNIError) in
            try NetworkMasquerade(request.configuration)?.delete(request)
        }
        collect(&failures) { () throws(CNIError) in
            try MACSpoofCheck(request.configuration)?.delete(request)
        }
        if let failure = failures.first { throw failure }
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        var failures: [CNIError] = []
        collect(&failures) { () throws(CNIError) in
            try OwnedLink.collectGarbage(.veth, of: configuration.name, valid: valid)
        }
        collect(&failures) { () throws(CNIError) in
            try NetworkMasquerade(configuration)?.collectGarbage(valid: valid)
        }
        collect(&failures) { () throws(CNIError) in
            try MACSpoofCheck(configuration)?.collectGarbage(valid: valid)
        }
        // Last, so that no address is given out while somebody has it.
        collect(&failures) { () throws(CNIError) in
            try IPAMDelegate(of: configuration, environment, caller: Self.name)?.collectGarbage()
        }
        if let failure = failures.first { throw failure }
    }
}

import CNITypes
import JSON

/// What a pod is attached to, as the annotation `k8s.v1.cni.cncf.io/network-status` says it (multi-network
/// specification v1.3, section 5).
public enum NetworkStatus {
    /// - Parameter attachments: of one container in their order; the first is the default network's.
    public static func text(_ attachments: [Attachment]) -> String {
        JSONWriter().text(.array(attachments.enumerated().map { entry($1, isDefault: $0 == 0) }))
    }

    private static func entry(_ attachment: Attachment, isDefault: Bool) -> JSONValue {
        let result = attachment.result.flatMap { try? CNIResult(json: $0) } ?? CNIResult()
        let own = result.interfaces.first {
            $0.name == attachment.interfaceName && $0.sandbox?.isEmpty == false
        }
        var entry = JSONObject()
        entry.append("name", .string(attachment.reference ?? attachment.network.name))
        entry.append("interface", .string(attachment.interfaceName))
        entry.append("ips", .strings((try? attachment.addresses()) ?? []))
        entry.append("mac", ifPresent: own?.mac.map { .string($0) })
        entry.append("mtu", ifPresent: own?.mtu.map { .integer($0) })
        if isDefault { entry.append("default", true) }
        let gateways = result.routes.filter { $0.destination.length == 0 }
            .compactMap { route in
                route.gateway ?? result.ips.first { $0.address.isIPv6 == route.destination.isIPv6 }?.gateway
            }
        if !gateways.isEmpty { entry.append("gateway", .strings(gateways)) }
        var dns = JSONObject()
        if !result.dns.nameservers.isEmpty { dns.append("nameservers", .strings(result.dns.nameservers)) }
        dns.append("domain", ifPresent: result.dns.domain.map { .string($0) })
        if !result.dns.search.isEmpty { dns.append("search", .strings(result.dns.search)) }
        entry.append("dns", .object(dns))
        return .object(entry)
    }
}

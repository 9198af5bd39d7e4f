import CNITypes
import JSON
import Netlink

/// What the plugin `firewall` is configured to do.
struct FirewallConfiguration: Sendable {
    /// Whom the containers of a network hear.
    enum IngressPolicy: Sendable {
        case open
        /// Not those on other interfaces of the host that are kept apart so.
        case sameBridge
        /// Not those on the same bridge either.
        case isolated
    }

    var table: NftablesTable
    var policy: IngressPolicy

    /// - Throws: `CNIError` 2 for what is of other firewalls, 7 for what is not valid.
    init(_ configuration: NetworkConfiguration) throws(CNIError) {
        table = try NftTableName.read(configuration)
        let root = JSONValue.object(configuration.raw)
        let (policy, unsupported) = try reading("the firewall configuration of network \(configuration.name)") {
            () throws(JSONError) -> (IngressPolicy, String?) in
            var unsupported: String?
            if let backend = try root.optionalString("backend"), !["", "nftables"].contains(backend) {
                unsupported = "the backend \(backend)"
            }
            for key in ["iptablesAdminChainName", "firewalldZone"] {
                if let value = try root.optionalString(key), !value.isEmpty { unsupported = unsupported ?? key }
            }
            switch try root.optionalString("ingressPolicy") ?? "" {
            case "", "open": return (.open, unsupported)
            case "same-bridge": return (.sameBridge, unsupported)
            case "isolated": return (.isolated, unsupported)
            case let other:
                throw JSONError(
                    "ingressPolicy: \"\(other)\" is none of open, same-bridge, isolated",
                    at: root["ingressPolicy"]?.position ?? root.position)
            }
        }
        self.policy = policy
        if let unsupported {
            throw CNIError(
                .unsupportedField, "network \(configuration.name) asks for \(unsupported), which this firewall lacks",
                details: "it uses nftables alone; leave the key out")
        }
    }
}

import CNITypes
import JSON

/// What the plugin `ptp` is configured to do.
struct PointToPointConfiguration: Sendable {
    /// Of both ends, in bytes; nil: the kernel's.
    var mtu: UInt32?
    var dns = CNIResult.DNS()

    /// - Throws: `CNIError` 7 for what is not well formed, 2 for what is not supported.
    init(_ configuration: NetworkConfiguration) throws(CNIError) {
        let root = JSONValue.object(configuration.raw)
        let network = configuration.name
        let read = try reading("the ptp configuration of network \(network)") {
            () throws(JSONError) -> (PointToPointConfiguration, backend: String?) in
            let backend = try root.optionalBool("ipMasq") == true ? try root.optionalString("ipMasqBackend") : nil
            return (try PointToPointConfiguration(root), backend)
        }
        if let backend = read.backend, !backend.isEmpty, backend != "nftables" {
            throw CNIError(
                .unsupportedField,
                "network \(network) asks for ipMasqBackend \(backend), which this plugin ptp does not support",
                details: "leave it out, or use another plugin")
        }
        self = read.0
    }

    private init(_ root: JSONValue) throws(JSONError) {
        mtu = try root.mtu()
        dns = try root.dns()
    }
}

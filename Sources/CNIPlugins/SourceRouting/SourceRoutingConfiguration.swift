import CNITypes
import JSON

/// What the plugin `sbr` is configured to do.
struct SourceRoutingConfiguration: Sendable {
    /// The table of all addresses; nil: one that is free for each.
    var table: UInt32?
    /// In the place of those of the addresses; 4 or 16 bytes each.
    var gateways: [[UInt8]] = []
    /// The default route says which address its packets are to have.
    var hintsSource = false

    /// - Throws: `CNIError` 7.
    init(_ configuration: NetworkConfiguration) throws(CNIError) {
        let root = JSONValue.object(configuration.raw)
        self = try reading("the sbr configuration of network \(configuration.name)") {
            () throws(JSONError) -> SourceRoutingConfiguration in
            try SourceRoutingConfiguration(root)
        }
    }

    private init(_ root: JSONValue) throws(JSONError) {
        if let number = try root.optionalInteger("table"), number != 0 {
            guard let number = UInt32(exactly: number), !(253...255).contains(number) else {
                throw JSONError(
                    "table: \(number) is no routing table that can be used",
                    at: root["table"]?.position ?? root.position)
            }
            table = number
        }
        for text in try root.optionalStrings("gateways") ?? [] {
            guard let gateway = IPPrefix.parse(text) else {
                throw JSONError(
                    "gateways: \"\(text)\" is no address", at: root["gateways"]?.position ?? root.position)
            }
            gateways.append(gateway)
        }
        hintsSource = try root.optionalBool("addSourceHints") ?? false
    }
}

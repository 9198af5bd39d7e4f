import CNITypes
import JSON
import Netlink

/// What the plugin `tuning` is configured to do.
struct TuningConfiguration: Sendable {
    /// In the order in which they are given.
    var sysctls: [Sysctl] = []
    var attributes = InterfaceAttributes()
    /// Where it is kept what the attributes were.
    var folder: String

    static let defaultFolder = "/run/cni/tuning"

    /// - Throws: `CNIError` 7.
    init(_ request: AttachmentRequest) throws(CNIError) {
        let root = JSONValue.object(request.configuration.raw)
        folder = try Self.folder(request.configuration)
        let read = try reading("the tuning configuration of network \(request.configuration.name)") {
            () throws(JSONError) -> (JSONObject, InterfaceAttributes) in
            func object(_ value: JSONValue?, _ key: String) throws(JSONError) -> JSONValue? {
                try value?.optional(key, "an object") { $0.objectValue.map { JSONValue.object($0) } }
            }
            let arguments = try object(object(root, "args"), "cni")
            var attributes = try InterfaceAttributes(root)
            if let arguments { attributes = attributes.overridden(by: try InterfaceAttributes(arguments)) }
            attributes.mac = try MACAddress.requested(
                root, request.environment, own: try root.optionalString("mac"))
            // The caller's parameters stand in the place of the configuration's.
            var sysctls = try object(arguments, "sysctl")
            if sysctls == nil { sysctls = try object(root, "sysctl") }
            return (sysctls?.objectValue ?? JSONObject(), attributes)
        }
        attributes = read.1
        for member in read.0.members {
            guard let value = member.value.stringValue else {
                throw CNIError(
                    .invalidConfiguration, "sysctl \(member.key) cannot be set", details: "expected a text as its value"
                )
            }
            sysctls.append(try Sysctl(member.key, value, interface: request.environment.interfaceName))
        }
    }

    /// All that DEL and GC need.
    static func folder(_ configuration: NetworkConfiguration) throws(CNIError) -> String {
        let path = try reading("the tuning configuration of network \(configuration.name)") {
            () throws(JSONError) -> String in
            let root = JSONValue.object(configuration.raw)
            return try root.optionalString("dataDir").flatMap { $0.isEmpty ? nil : $0 } ?? defaultFolder
        }
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw CNIError(.invalidConfiguration, "dataDir of network \(configuration.name) is no absolute path")
        }
        return path
    }
}

import CNITypes
import JSON
import Netlink

extension MACAddress {
    /// The address that the container's interface is to have: the runtime's word (`runtimeConfig.mac`) counts most, then
    /// `args.cni.mac`, `MAC=` in CNI_ARGS and, for plugins that have it, `own`, the key of the configuration.
    ///
    /// - Throws: `JSONError` for what cannot be one.
    static func requested(
        _ root: JSONValue, _ environment: PluginEnvironment, own: String? = nil
    ) throws(JSONError) -> MACAddress? {
        func object(_ value: JSONValue?, _ key: String) throws(JSONError) -> JSONValue? {
            try value?.optional(key, "an object") { $0.objectValue.map { JSONValue.object($0) } }
        }
        let runtime = try object(root, "runtimeConfig")?.optionalString("mac")
        let arguments = try object(object(root, "args"), "cni")?.optionalString("mac")
        let variable = environment.arguments.last { $0.key == "MAC" }?.value
        guard let text = [runtime, arguments, variable, own].compactMap({ $0 }).first(where: { !$0.isEmpty }) else {
            return nil
        }
        guard let mac = MACAddress(text), !mac.isMulticast else {
            throw JSONError("mac: \"\(text)\" cannot be an interface's address", at: root.position)
        }
        return mac
    }
}

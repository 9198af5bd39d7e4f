import Base
import CNITypes
import JSON

/// A container's interface on a network: everything that its plugins were and will be asked with. It is written down
/// before ADD, and again with what ADD has made: DEL is then asked with the same, whatever the configuration says by
/// then (specification 1.1.0, section 3, "Deriving requests").
public struct Attachment: Sendable, Hashable {
    /// The version of the layout.
    static let schema: Int64 = 1

    public var containerID: String
    public var interfaceName: String
    /// The network namespace's path.
    public var namespacePath: String
    public var network: NetworkList
    /// CNI_ARGS, `KEY=value` pairs in order.
    public var arguments: [String]
    /// By capability, what a plugin that has it is told.
    public var capabilityArguments: JSONObject
    /// What the whole chain has made; nil while that is not known: ADD was begun and its end was not seen.
    public var result: JSONValue?
    /// How the pod named the network, `NAMESPACE/NAME`; nil for the default one.
    public var reference: String?

    public init(
        containerID: String, interfaceName: String, namespacePath: String, network: NetworkList, arguments: [String],
        capabilityArguments: JSONObject
    ) {
        self.containerID = containerID
        self.interfaceName = interfaceName
        self.namespacePath = namespacePath
        self.network = network
        self.arguments = arguments
        self.capabilityArguments = capabilityArguments
    }

    /// The addresses that the result gives to the container, in order.
    ///
    /// - Throws: `CNIError` 6 when the result is none.
    public func addresses() throws(CNIError) -> [String] {
        guard let result else { return [] }
        let read: CNIResult
        do { read = try CNIResult(json: result) } catch {
            throw CNIError(.undecodable, "the result of network \(network.name) cannot be read", details: "\(error)")
        }
        return read.ips.filter { ip in
            // An address of a host's interface is not the container's.
            ip.interface.map { read.interfaces[$0].sandbox?.isEmpty == false } ?? true
        }.map(\.address.addressText)
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("schema", .integer(Self.schema))
        object.append("containerID", .string(containerID))
        object.append("interface", .string(interfaceName))
        object.append("netns", .string(namespacePath))
        object.append("arguments", .strings(arguments))
        object.append("capabilityArguments", .object(capabilityArguments))
        object.append("network", network.json)
        object.append("result", ifPresent: result)
        object.append("reference", ifPresent: reference.map { .string($0) })
        return .object(object)
    }

    /// - Throws: `CNIError` 6 for what is no record or one of a newer version.
    public init(_ json: JSONValue) throws(CNIError) {
        do {
            let schema = try json.requiredInteger("schema")
            guard schema == Self.schema else {
                throw JSONError("schema \(schema) is not \(Self.schema), which this version reads", at: .none)
            }
            containerID = try json.requiredString("containerID")
            interfaceName = try json.requiredString("interface")
            namespacePath = try json.requiredString("netns")
            arguments = try json.optionalStrings("arguments") ?? []
            capabilityArguments =
                try json.optional("capabilityArguments", "an object") { $0.objectValue } ?? JSONObject()
            reference = try json.optionalString("reference")
            result = json["result"].flatMap { $0.isNull ? nil : $0 }
        } catch {
            throw CNIError(.undecodable, "this is no record of an attachment", details: "\(error)")
        }
        network = try NetworkList(json["network"] ?? .null)
    }
}

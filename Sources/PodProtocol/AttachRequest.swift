import JSON

/// To see what a running container writes from now on, and to write to its standard input, over this connection.
/// Answered with its first process's number. The connection ends with the container; closing it ends nothing else.
public struct AttachRequest: Hashable, Sendable {
    public var container: String
    /// Input is passed on, where the container has a standard input. An empty frame is the client's end of it, which is
    /// the container's only with `stdinOnce`; a connection that is just closed ends no input.
    public var standardInput: Bool
    /// Given to the container's terminal.
    public var size: TerminalSize?

    public init(container: String, standardInput: Bool = false, size: TerminalSize? = nil) {
        self.container = container
        self.standardInput = standardInput
        self.size = size
    }

    init(json: JSONValue) throws(JSONError) {
        container = try json.requiredString("container")
        standardInput = try json.optionalBool("stdin") ?? false
        if let size = try json.optional("size", "an object", { $0.objectValue == nil ? nil : $0 }) {
            self.size = try TerminalSize(json: size)
        }
    }

    func append(to object: inout JSONObject) {
        object.append("container", .string(container))
        #if SWIFTLET_PROTOCOL_NEXT
            object.append(ProtocolVersion.nextField.name, ProtocolVersion.nextField.value)
        #endif
        object.append("stdin", .bool(standardInput))
        if let size {
            var inner = JSONObject()
            size.append(to: &inner)
            object.append("size", .object(inner))
        }
    }
}

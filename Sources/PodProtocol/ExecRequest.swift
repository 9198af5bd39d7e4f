import JSON

/// A process to run in a running container, with this connection as its terminal or pipes.
public struct ExecRequest: Hashable, Sendable {
    public var container: String
    public var arguments: [String]
    /// `NAME=value`, added to the container's own.
    public var environment: [String]
    /// Nil for the container's own working folder.
    public var workingDirectory: String?
    public var terminal: Bool
    /// Without it the process reads end of file.
    public var standardInput: Bool
    /// The terminal's first size.
    public var size: TerminalSize?

    public init(
        container: String, arguments: [String], environment: [String] = [], workingDirectory: String? = nil,
        terminal: Bool = false, standardInput: Bool = false, size: TerminalSize? = nil
    ) {
        self.container = container
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.terminal = terminal
        self.standardInput = standardInput
        self.size = size
    }

    init(json: JSONValue) throws(JSONError) {
        container = try json.requiredString("container")
        arguments = try json.required("args", "a list of strings") { $0.stringsValue }
        guard !arguments.isEmpty else { throw JSONError("args: empty; name the program to run", at: .none) }
        environment = try json.optionalStrings("env") ?? []
        workingDirectory = try json.optionalString("cwd")
        terminal = try json.optionalBool("tty") ?? false
        standardInput = try json.optionalBool("stdin") ?? false
        if let size = try json.optional("size", "an object", { $0.objectValue == nil ? nil : $0 }) {
            self.size = try TerminalSize(json: size)
        }
    }

    func append(to object: inout JSONObject) {
        object.append("container", .string(container))
        object.append("args", .strings(arguments))
        #if SWIFTLET_PROTOCOL_NEXT
            object.append(ProtocolVersion.nextField.name, ProtocolVersion.nextField.value)
        #endif
        object.append("env", .strings(environment))
        object.append("cwd", ifPresent: workingDirectory.map { .string($0) })
        object.append("tty", .bool(terminal))
        object.append("stdin", .bool(standardInput))
        if let size {
            var inner = JSONObject()
            size.append(to: &inner)
            object.append("size", .object(inner))
        }
    }
}

/// The size of a terminal in characters.
public struct TerminalSize: Hashable, Sendable {
    public var rows: UInt16
    public var columns: UInt16

    public init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }

    init(json: JSONValue) throws(JSONError) {
        rows = try json.required("rows", "a number of rows") { $0.integerValue.flatMap { UInt16(exactly: $0) } }
        columns = try json.required("columns", "a number of columns") {
            $0.integerValue.flatMap { UInt16(exactly: $0) }
        }
    }

    func append(to object: inout JSONObject) {
        object.append("rows", .integer(rows))
        object.append("columns", .integer(columns))
    }
}

/// What a plugin is told by its environment.
public struct PluginEnvironment: Sendable, Hashable {
    public enum Command: String, Sendable, CaseIterable {
        case add = "ADD"
        case delete = "DEL"
        case check = "CHECK"
        case collectGarbage = "GC"
        case status = "STATUS"
        case version = "VERSION"

        /// Whether it is about one container's interface.
        public var concernsAttachment: Bool { self == .add || self == .delete || self == .check }
    }

    public struct Argument: Sendable, Hashable {
        public var key: String
        public var value: String
    }

    /// The variables read.
    public static let variables = [
        "CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH", "CNI_NETNS_OVERRIDE",
    ]

    public var command: Command
    /// Empty, as are the two below, unless the command concerns an attachment.
    public var containerID = ""
    /// The absolute path of the container's network namespace; empty when it is gone, which only DEL accepts.
    public var namespacePath = ""
    public var interfaceName = ""
    public var arguments: [Argument] = []
    /// The folders in which further plugins are looked for.
    public var path: [String] = []
    /// Whether the namespace may be the plugin's own. Not of the specification; the reference plugins have it.
    public var allowsOwnNamespace: Bool

    /// Reads the variables. An empty one counts as missing.
    ///
    /// - Throws: `CNIError` 4, which names the variables.
    public init(_ variables: [String: String]) throws(CNIError) {
        func value(_ name: String) -> String { variables[name] ?? "" }
        guard let command = Command(rawValue: value("CNI_COMMAND")) else {
            let known = Command.allCases.map(\.rawValue).joined(separator: ", ")
            throw Self.invalid("CNI_COMMAND", "\"\(value("CNI_COMMAND"))\" is none of \(known)")
        }
        self.command = command
        path = value("CNI_PATH").split(separator: ":").map { String($0) }
        allowsOwnNamespace = ["1", "true"].contains(value("CNI_NETNS_OVERRIDE").lowercased())
        guard command.concernsAttachment else { return }

        let needed = ["CNI_CONTAINERID", "CNI_IFNAME"] + (command == .delete ? [] : ["CNI_NETNS"])
        let missing = needed.filter { value($0).isEmpty }
        guard missing.isEmpty else {
            throw CNIError(
                .invalidEnvironment,
                "\(command.rawValue) needs variables that are missing: "
                    + missing.joined(separator: ", "))
        }
        containerID = value("CNI_CONTAINERID")
        namespacePath = value("CNI_NETNS")
        interfaceName = value("CNI_IFNAME")
        guard Self.isIdentifier(containerID) else {
            throw Self.invalid("CNI_CONTAINERID", "letters, digits, _, . and - are allowed, first a letter or digit")
        }
        guard Self.isInterfaceName(interfaceName) else {
            throw Self.invalid("CNI_IFNAME", "\"\(interfaceName)\" cannot be an interface's name")
        }
        // What was not UTF-8 has been repaired: it is not the path that was meant.
        guard namespacePath.isEmpty || namespacePath.hasPrefix("/") && !namespacePath.contains("\u{FFFD}") else {
            throw Self.invalid("CNI_NETNS", "\"\(namespacePath)\" is not an absolute path in UTF-8")
        }
        arguments = try Self.arguments(value("CNI_ARGS"))
    }

    /// The variables that say the same to a plugin that does a part of the work, with another command where one is
    /// given.
    public func assignments(_ command: Command? = nil) -> [String: String] {
        let pairs = arguments.map { "\($0.key)=\($0.value)" }
        return [
            "CNI_COMMAND": (command ?? self.command).rawValue, "CNI_CONTAINERID": containerID,
            "CNI_NETNS": namespacePath, "CNI_IFNAME": interfaceName, "CNI_ARGS": pairs.joined(separator: ";"),
            "CNI_PATH": path.joined(separator: ":"), "CNI_NETNS_OVERRIDE": allowsOwnNamespace ? "1" : "",
        ]
    }

    private static func invalid(_ variable: String, _ why: String) -> CNIError {
        CNIError(.invalidEnvironment, "\(variable) is not valid", details: why)
    }

    /// `KEY=value` pairs between semicolons.
    private static func arguments(_ text: String) throws(CNIError) -> [Argument] {
        guard !text.isEmpty else { return [] }
        var arguments: [Argument] = []
        for pair in text.split(separator: ";", omittingEmptySubsequences: false) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw invalid("CNI_ARGS", "\"\(pair)\" is not of the form KEY=value")
            }
            arguments.append(Argument(key: String(parts[0]), value: String(parts[1])))
        }
        return arguments
    }

    /// Whether `text` can be the id of a container or the name of a network. It can then stand in a file's name.
    public static func isIdentifier(_ text: String) -> Bool {
        func isAlphanumeric(_ c: UInt8) -> Bool { 0x30...0x39 ~= c || 0x41...0x5A ~= c || 0x61...0x7A ~= c }
        guard let first = text.utf8.first, isAlphanumeric(first) else { return false }
        let others = Array("_.-".utf8)
        return text.utf8.allSatisfy { isAlphanumeric($0) || others.contains($0) }
    }

    /// Whether the kernel takes `text` as an interface's name.
    public static func isInterfaceName(_ text: String) -> Bool {
        (1...15).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    }
}

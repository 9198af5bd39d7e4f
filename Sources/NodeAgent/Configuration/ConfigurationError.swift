import JSON

/// Why a configuration file is not used.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Issue: Hashable, Sendable {
        /// `.none` when the whole file is meant.
        public var position: SourcePosition
        public var message: String

        init(_ message: String, at position: SourcePosition = .none) {
            self.position = position
            self.message = message
        }

        /// A file that was named is not there.
        public static let missing = Issue("there is no such file")
    }

    public var path: String
    /// All that is wrong, in the order of the text.
    public var issues: [Issue]

    public init(path: String, issues: [Issue]) {
        self.path = path
        self.issues = issues
    }

    /// A line an issue: `file:line:column: message`.
    public var description: String {
        issues.map { issue in
            issue.position == .none ? "\(path): \(issue.message)" : "\(path):\(issue.position): \(issue.message)"
        }.joined(separator: "\n")
    }
}

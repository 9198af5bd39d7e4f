import JSON

/// Text that is not YAML, or YAML that has no place in the JSON data model, with the place.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    /// Columns count characters. `.none` when the whole text is meant.
    public var position: SourcePosition

    public init(_ message: String, at position: SourcePosition) {
        self.message = message
        self.position = position
    }

    public var description: String { position == .none ? message : "\(position): \(message)" }
}

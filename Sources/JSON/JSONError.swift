/// Text that is not JSON (or a value that is not what its reader needs), with the place.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    public var position: SourcePosition

    public init(_ message: String, at position: SourcePosition) {
        self.message = message
        self.position = position
    }

    public var description: String { position == .none ? message : "\(position): \(message)" }
}

extension JSONValue {
    /// The member `key` converted by `convert`.
    ///
    /// - Throws: `JSONError` when this is no object, the member is missing, or `convert` gives nil.
    public func required<T>(_ key: String, _ wanted: String, _ convert: (JSONValue) -> T?) throws(JSONError) -> T {
        guard let object = objectValue else { throw JSONError("expected an object, found \(kind)", at: position) }
        guard let value = object[key] else { throw JSONError("\(key): missing", at: position) }
        guard let result = convert(value) else {
            throw JSONError("\(key): expected \(wanted), found \(value.kind)", at: value.position)
        }
        return result
    }

    /// The same, with nil for a missing member or null.
    public func optional<T>(_ key: String, _ wanted: String, _ convert: (JSONValue) -> T?) throws(JSONError) -> T? {
        guard let object = objectValue else { throw JSONError("expected an object, found \(kind)", at: position) }
        guard let value = object[key], !value.isNull else { return nil }
        guard let result = convert(value) else {
            throw JSONError("\(key): expected \(wanted), found \(value.kind)", at: value.position)
        }
        return result
    }

    public func requiredString(_ key: String) throws(JSONError) -> String {
        try required(key, "a string") { $0.stringValue }
    }
    public func requiredInteger(_ key: String) throws(JSONError) -> Int64 {
        try required(key, "an integer") { $0.integerValue }
    }
    public func optionalString(_ key: String) throws(JSONError) -> String? {
        try optional(key, "a string") { $0.stringValue }
    }
    public func optionalInteger(_ key: String) throws(JSONError) -> Int64? {
        try optional(key, "an integer") { $0.integerValue }
    }
    public func optionalBool(_ key: String) throws(JSONError) -> Bool? {
        try optional(key, "a boolean") { $0.boolValue }
    }
    public func optionalStrings(_ key: String) throws(JSONError) -> [String]? {
        try optional(key, "a list of strings") { $0.stringsValue }
    }
}

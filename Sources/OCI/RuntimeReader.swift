import JSON

/// Reads one object of a runtime spec: every member must be known, and known to be carried out.
struct RuntimeReader {
    let object: JSONObject
    let position: SourcePosition
    let path: String

    /// - Parameters:
    ///   - keys: the members that are read.
    ///   - refused: members of the specification that are not carried out.
    init(
        _ value: JSONValue, at path: String, keys: [String], refused: [String] = []
    ) throws(JSONError) {
        guard let object = value.objectValue else {
            throw JSONError("\(path): expected an object, found \(value.kind)", at: value.position)
        }
        self.object = object
        position = value.position
        self.path = path
        for member in object.members where !member.value.isNull && !keys.contains(member.key) {
            let why = refused.contains(member.key) ? "not supported" : "unknown"
            throw JSONError("\(join(member.key)): \(why); it would not be carried out", at: member.keyPosition)
        }
    }

    func join(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The member, with nil for a missing one and null.
    subscript(key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    func optional<T>(_ key: String, _ wanted: String, _ convert: (JSONValue) -> T?) throws(JSONError) -> T? {
        guard let value = self[key] else { return nil }
        guard let result = convert(value) else {
            throw JSONError("\(join(key)): expected \(wanted), found \(value.kind)", at: value.position)
        }
        return result
    }

    func required<T>(_ key: String, _ value: T?) throws(JSONError) -> T {
        guard let value else { throw JSONError("\(join(key)): missing", at: position) }
        return value
    }

    func string(_ key: String) throws(JSONError) -> String? { try optional(key, "a string") { $0.stringValue } }
    func bool(_ key: String) throws(JSONError) -> Bool? { try optional(key, "a boolean") { $0.boolValue } }
    func int64(_ key: String) throws(JSONError) -> Int64? { try optional(key, "an integer") { $0.integerValue } }
    func uint32(_ key: String) throws(JSONError) -> UInt32? {
        try optional(key, "an integer from 0 to 4294967295") { $0.integerValue.flatMap { UInt32(exactly: $0) } }
    }
    func uint64(_ key: String) throws(JSONError) -> UInt64? {
        try optional(key, "an integer from 0 to 18446744073709551615", Self.uint64)
    }
    func strings(_ key: String) throws(JSONError) -> [String] {
        try optional(key, "a list of strings") { $0.stringsValue } ?? []
    }

    /// RLIM_INFINITY does not fit an Int64 and is then a number literal.
    static func uint64(_ value: JSONValue) -> UInt64? {
        switch value.content {
        case .integer(let v): UInt64(exactly: v)
        case .number(let literal): UInt64(literal)
        default: nil
        }
    }

    func stringMap(_ key: String) throws(JSONError) -> [String: String] {
        guard let value = self[key] else { return [:] }
        guard let members = value.objectValue?.members else {
            throw JSONError("\(join(key)): expected an object, found \(value.kind)", at: value.position)
        }
        var map: [String: String] = [:]
        for member in members {
            guard let text = member.value.stringValue else {
                throw JSONError(
                    "\(join(key)).\(member.key): expected a string, found \(member.value.kind)",
                    at: member.value.position)
            }
            map[member.key] = text
        }
        return map
    }

    func list<T>(
        _ key: String, _ element: (JSONValue, String) throws(JSONError) -> T
    ) throws(JSONError) -> [T] {
        guard let value = self[key] else { return [] }
        guard let values = value.arrayValue else {
            throw JSONError("\(join(key)): expected a list, found \(value.kind)", at: value.position)
        }
        var result: [T] = []
        for (index, value) in values.enumerated() { result.append(try element(value, "\(join(key))[\(index)]")) }
        return result
    }
}

extension JSONValue {
    /// An unsigned number; as a literal where it does not fit an Int64.
    static func unsigned(_ value: UInt64) -> JSONValue {
        if let small = Int64(exactly: value) { return .integer(small) }
        return JSONValue(.number(String(value)))
    }

    /// Nil for an empty list: how optional lists are written.
    static func nonEmpty(_ strings: [String]) -> JSONValue? { strings.isEmpty ? nil : .strings(strings) }

    /// Nil for an empty map; keys in byte order, so that the text is the same each time.
    static func nonEmpty(_ map: [String: String]) -> JSONValue? {
        map.isEmpty
            ? nil
            : .object(JSONObject(map.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) }))
    }
}

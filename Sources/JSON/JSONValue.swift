/// Where something stands in its source text, both counted from 1. Columns count bytes. 0:0 when it was not parsed.
public struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
    public var line: UInt32
    public var column: UInt32

    public init(line: Int, column: Int) {
        self.line = UInt32(clamping: line)
        self.column = UInt32(clamping: column)
    }

    /// No position: the value was made by a program.
    public static let none = SourcePosition(line: 0, column: 0)

    public var description: String { "\(line):\(column)" }
}

/// A value of the JSON data model with the place it was read from. YAML is parsed to the same tree.
public struct JSONValue: Sendable {
    public enum Content: Sendable, Hashable {
        case null
        case bool(Bool)
        case integer(Int64)
        /// A number that is not an `Int64`, as its literal.
        case number(String)
        case string(String)
        case array([JSONValue])
        case object(JSONObject)
    }

    public var content: Content
    public var position: SourcePosition

    public init(_ content: Content, at position: SourcePosition = .none) {
        self.content = content
        self.position = position
    }

    public static var null: JSONValue { JSONValue(.null) }
    public static func bool(_ value: Bool) -> JSONValue { JSONValue(.bool(value)) }
    @inlinable public static func integer(_ value: some BinaryInteger) -> JSONValue {
        JSONValue(.integer(Int64(clamping: value)))
    }
    public static func string(_ value: String) -> JSONValue { JSONValue(.string(value)) }
    public static func array(_ values: [JSONValue]) -> JSONValue { JSONValue(.array(values)) }
    public static func strings(_ values: some Sequence<String>) -> JSONValue { .array(values.map { .string($0) }) }
    public static func object(_ object: JSONObject) -> JSONValue { JSONValue(.object(object)) }

    /// The member `key` of an object; nil for other kinds and missing keys.
    public subscript(key: String) -> JSONValue? { objectValue?[key] }

    // Not inlined into other modules: the 6.3 optimiser crashes on such a switch over a borrowed element of a list.
    @inline(never) public var isNull: Bool { if case .null = content { true } else { false } }
    @inline(never) public var boolValue: Bool? { if case .bool(let v) = content { v } else { nil } }
    @inline(never) public var integerValue: Int64? { if case .integer(let v) = content { v } else { nil } }
    @inline(never) public var stringValue: String? { if case .string(let v) = content { v } else { nil } }
    @inline(never) public var arrayValue: [JSONValue]? { if case .array(let v) = content { v } else { nil } }
    @inline(never) public var objectValue: JSONObject? { if case .object(let v) = content { v } else { nil } }
    /// The elements, when all are strings.
    public var stringsValue: [String]? {
        guard let values = arrayValue else { return nil }
        var strings: [String] = []
        for value in values {
            guard let string = value.stringValue else { return nil }
            strings.append(string)
        }
        return strings
    }

    /// What the value is, as messages name it.
    public var kind: String {
        switch content {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// Equality is that of the content: positions do not count.
extension JSONValue: Hashable {
    public static func == (a: JSONValue, b: JSONValue) -> Bool { a.content == b.content }
    public func hash(into hasher: inout Hasher) { hasher.combine(content) }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { .init(key: $0.0, value: $0.1) }))
    }
}

/// Header fields in their order. Names are compared without regard to case.
public struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    public struct Field: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public private(set) var fields: [Field]

    public init(_ fields: [Field] = []) { self.fields = fields }

    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field($0.0, $0.1) }
    }

    public mutating func append(_ name: String, _ value: String) { fields.append(Field(name, value)) }

    /// Whether `text` can be the name of a field.
    public static func isFieldName(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(ASCII.isToken) }

    /// Whether `text` can be the value of a field: nothing that ends its line.
    public static func isFieldValue(_ text: String) -> Bool { text.utf8.allSatisfy(ASCII.isFieldByte) }

    /// The value of the first field `name`.
    public subscript(name: String) -> String? {
        fields.first { ASCII.equalIgnoringCase($0.name, name) }?.value
    }

    /// The values of all fields `name`.
    public func all(_ name: String) -> [String] {
        fields.compactMap { ASCII.equalIgnoringCase($0.name, name) ? $0.value : nil }
    }

    /// The elements of the comma-separated list that all fields `name` make together, in lower case.
    public func tokens(_ name: String) -> [String] {
        all(name).flatMap { $0.split(separator: ",") }
            .map { ASCII.lowercase(ASCII.trim($0)) }.filter { !$0.isEmpty }
    }
}

/// Character classes of RFC 9110. Only ASCII letters have a case in HTTP.
enum ASCII {
    static func equalIgnoringCase(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { lower($0) == lower($1) }
    }

    static func lower(_ c: UInt8) -> UInt8 { c >= 0x41 && c <= 0x5A ? c | 0x20 : c }

    static func lowercase(_ text: some StringProtocol) -> String {
        String(decoding: text.utf8.map(lower), as: UTF8.self)
    }

    static func trim(_ text: Substring) -> Substring {
        var text = text
        while let c = text.utf8.first, c == 0x20 || c == 0x09 { text = text.dropFirst() }
        while let c = text.utf8.last, c == 0x20 || c == 0x09 { text = text.dropLast() }
        return text
    }

    /// A character of a token: method and field names.
    static func isToken(_ c: UInt8) -> Bool {
        switch c {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// A byte that may stand in a field value: no control character but the tab.
    static func isFieldByte(_ c: UInt8) -> Bool { c >= 0x20 && c != 0x7F || c == 0x09 }

    static func isDigit(_ c: UInt8) -> Bool { c >= 0x30 && c <= 0x39 }

    static func hex(_ c: UInt8) -> UInt8? {
        switch c {
        case 0x30...0x39: c - 0x30
        case 0x41...0x46: c - 0x41 + 10
        case 0x61...0x66: c - 0x61 + 10
        default: nil
        }
    }
}

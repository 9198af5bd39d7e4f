/// The shape of v1 Pod: every type it is made of, every field of each.
struct PodSchema: Sendable {
    /// What a field holds.
    indirect enum FieldType: Sendable, Hashable {
        case string
        case bool
        case int32
        case int64
        case quantity
        case time
        case integerOrString
        /// Any object: what nobody here looks into.
        case anything
        case object(String)
        case list(FieldType)
        case map(FieldType)
    }

    struct Field: Sendable {
        var name: String
        var type: FieldType
        /// The API asks for it.
        var isRequired: Bool
    }

    /// By type name; the fields of each sorted by name.
    let types: [String: [Field]]

    static let shared = PodSchema(fields)

    /// Reads the table: a line a type (`Name field:type ...`), further lines of it set in. Types are abbreviated:
    /// `s` string, `b` bool, `i` int32, `l` int64, `q` quantity, `t` time, `x` integer or string, `j` anything, `[T]` a
    /// list, `{T}` a map; `!` marks what the API asks for.
    init(_ table: String) {
        var types: [String: [Field]] = [:]
        var name = ""
        for line in table.split(separator: "\n") {
            var words = line.split(separator: " ")[...]
            if !line.hasPrefix(" ") { name = words.popFirst().map(String.init) ?? "" }
            for word in words {
                guard let colon = word.firstIndex(of: ":") else { continue }
                let isRequired = word.last == "!"
                let code = word[word.index(after: colon)...].dropLast(isRequired ? 1 : 0)
                types[name, default: []].append(
                    Field(name: String(word[..<colon]), type: Self.type(code), isRequired: isRequired))
            }
        }
        self.types = types
    }

    private static func type(_ code: Substring) -> FieldType {
        switch code.first {
        case "[": .list(type(code.dropFirst().dropLast()))
        case "{": .map(type(code.dropFirst().dropLast()))
        default:
            switch code {
            case "s": .string
            case "b": .bool
            case "i": .int32
            case "l": .int64
            case "q": .quantity
            case "t": .time
            case "x": .integerOrString
            case "j": .anything
            default: .object(String(code))
            }
        }
    }

    func field(_ name: String, of type: String) -> Field? { types[type]?.first { $0.name == name } }
}

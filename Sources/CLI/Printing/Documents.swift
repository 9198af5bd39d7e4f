import JSON

/// JSON as kubectl prints it.
enum Documents {
    static func json(_ value: JSONValue) -> [UInt8] {
        JSONWriter(indent: 4, sortsKeys: true, escapesHTML: true).bytes(value) + [0x0A]
    }
}

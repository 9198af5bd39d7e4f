import JSON

/// The size of a terminal in characters.
public struct RuntimeConsoleSize: Sendable, Hashable {
    public var height: UInt16
    public var width: UInt16

    public init(height: UInt16, width: UInt16) {
        self.height = height
        self.width = width
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(json, at: path, keys: ["height", "width"])
        func size(_ key: String) throws(JSONError) -> UInt16 {
            let value = try reader.optional(key, "an integer from 0 to 65535") {
                $0.integerValue.flatMap { UInt16(exactly: $0) }
            }
            return try reader.required(key, value)
        }
        height = try size("height")
        width = try size("width")
    }

    var json: JSONValue { ["height": .integer(height), "width": .integer(width)] }
}

/// Why a JSONPath template cannot be used, or has no result on an object.
struct JSONPathError: Error, Hashable, Sendable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

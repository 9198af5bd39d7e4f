import JSON

/// A step of a path: it takes the values found so far to those that follow.
indirect enum JSONPathNode: Hashable, Sendable {
    /// A literal: quoted text, a number, true or false.
    case literal(JSONValue)
    case field(String)
    case elements(Slice)
    case filter(Filter)
    /// All elements of a list, all values of an object.
    case wildcard
    /// The value itself and everything inside it.
    case descendants
    /// What each path finds, one after the other.
    case union([[JSONPathNode]])

    /// `[start:end:step]`; negative places count from the end.
    struct Slice: Hashable, Sendable {
        var start: Int?
        var end: Int?
        var step: Int?
        /// `[n]`: one element.
        var isIndex = false
    }

    /// `[?(left operator right)]`; without an operator, whether `left` finds anything.
    struct Filter: Hashable, Sendable {
        enum Operator: String, Hashable, Sendable {
            case less = "<"
            case greater = ">"
            case equal = "=="
            case notEqual = "!="
            case lessOrEqual = "<="
            case greaterOrEqual = ">="
        }

        var left: [JSONPathNode]
        var comparison: Operator?
        var right: [JSONPathNode]
    }
}

/// A part of a template: text, the results of a path, or a loop.
indirect enum JSONPathPart: Hashable, Sendable {
    case text(String)
    case path([JSONPathNode])
    case range([JSONPathNode], body: [JSONPathPart])
}

import JSON

/// What a check of an image found.
public struct ImageVerification: Hashable, Sendable {
    public enum State: String, Sendable {
        case whole
        case broken
        /// An older release loaded it: there is nothing to compare with.
        case unknown
    }

    public var id: String
    public var names: [String]
    public var state: State
    /// Sentences.
    public var problems: [String]
    /// Files, folders and links of all its layers.
    public var entries: Int

    public init(id: String, names: [String], state: State = .whole, problems: [String] = [], entries: Int = 0) {
        self.id = id
        self.names = names
        self.state = state
        self.problems = problems
        self.entries = entries
    }

    public var json: JSONValue {
        [
            "id": .string(id), "names": .strings(names), "state": .string(state.rawValue),
            "problems": .strings(problems), "entries": .integer(entries),
        ]
    }

    public init(_ value: JSONValue) throws(JSONError) {
        guard let state = State(rawValue: try value.requiredString("state")) else {
            throw JSONError("state: unknown", at: value.position)
        }
        self.init(
            id: try value.requiredString("id"), names: try value.optionalStrings("names") ?? [], state: state,
            problems: try value.optionalStrings("problems") ?? [],
            entries: Int(clamping: try value.requiredInteger("entries")))
    }
}

import HTTP
import JSON

/// Follows a list of the agent: what is there first, then every change.
struct Watch {
    enum Kind: String {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    var target: RequestTarget

    /// - Parameter kind: `pods` or `events`.
    /// - Parameter namespace: nil for all.
    init(_ kind: String, namespace: String?) {
        target = RequestTarget(path: ["swiftlet", "v1", kind])
        if let namespace { target.query.append(.init("namespace", namespace)) }
        // As with the API server, a bookmark tells where what was there ends.
        target.query += [.init("watch", "true"), .init("sendInitialEvents", "true")]
    }

    /// Returns when one of the closures says false: it is enough.
    ///
    /// - Parameters:
    ///   - list: called once with all that is there.
    ///   - change: called with every change from then on.
    /// - Throws: `CLIError` when the agent ends the watch, and what the closures throw.
    func follow(
        _ agent: AgentClient, list: ([JSONValue]) throws(CLIError) -> Bool,
        change: (Kind, JSONValue) throws(CLIError) -> Bool
    ) throws(CLIError) {
        var initial: [JSONValue]? = []
        let isEnough = try agent.lineByLine("GET", target) { (event) throws(CLIError) in
            let object = event["object"] ?? .null
            switch event["type"]?.stringValue {
            case "ERROR": throw .failed(object["message"]?.stringValue ?? "the watch was ended by the agent")
            case "BOOKMARK":
                let objects = initial ?? []
                initial = nil
                return try list(objects)
            case let word?:
                guard let kind = Kind(rawValue: word) else { return true }
                if initial == nil { return try change(kind, object) }
                initial?.append(object)
                return true
            case nil: return true
            }
        }
        if !isEnough { throw CLIError(.unreachable, "the agent ended the watch") }
    }
}

import HTTP
import JSON

/// Something wrong in the manifest folder.
struct Problem: Equatable {
    /// `file:line:column: message (namespace/name keeps running as it was)`.
    var text: String

    init(_ value: JSONValue) {
        var place = value["path"]?.stringValue ?? "?"
        if let line = value["line"]?.integerValue, line > 0 {
            place += ":\(line):\(value["column"]?.integerValue ?? 0)"
        }
        text = place + ": " + (value["message"]?.stringValue ?? "?")
        if let pod = value["keepsRunning"]?.stringValue { text += " (\(pod) keeps running as it was)" }
    }

    static func read(_ agent: AgentClient) throws(CLIError) -> [Problem] {
        let answer = try agent.json("GET", RequestTarget(path: ["swiftlet", "v1", "problems"]))
        return (answer["items"]?.arrayValue ?? []).map(Problem.init)
    }
}

import HTTP
import JSON

/// Something wrong in the manifest folder.
struct Problem: Equatable {
    /// `file:line:column: message (namespace/name keeps running as it was)`.
    var text: String
    var path: String
    /// What is wrong, without the place.
    var message: String
    /// `namespace/name` of the pod whose last good version goes on.
    var keepsRunning: String?

    init(_ value: JSONValue) {
        path = value["path"]?.stringValue ?? "?"
        message = value["message"]?.stringValue ?? "?"
        keepsRunning = value["keepsRunning"]?.stringValue
        var place = path
        if let line = value["line"]?.integerValue, line > 0 {
            place += ":\(line):\(value["column"]?.integerValue ?? 0)"
        }
        text = place + ": " + message
        if let pod = keepsRunning { text += " (\(pod) keeps running as it was)" }
    }

    static func read(_ agent: AgentClient) throws(CLIError) -> [Problem] {
        let answer = try agent.json("GET", RequestTarget(path: ["swiftlet", "v1", "problems"]))
        return (answer["items"]?.arrayValue ?? []).map(Problem.init)
    }
}

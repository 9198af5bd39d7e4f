import HTTP
import JSON
import Kube

/// An image that the agent pulls for a container.
struct PullState: Equatable {
    var namespace: String
    var pod: String
    var container: String
    var phase: String
    var done: Int64
    /// Nil as long as the agent does not know what there is.
    var total: Int64?
    var seconds: Int64

    init(_ value: JSONValue) {
        namespace = value["namespace"]?.stringValue ?? ""
        pod = value["pod"]?.stringValue ?? ""
        container = value["container"]?.stringValue ?? ""
        phase = value["phase"]?.stringValue ?? ""
        done = value["bytesDone"]?.integerValue ?? 0
        total = value["bytes"]?.integerValue
        seconds = value["seconds"]?.integerValue ?? 0
    }

    static func read(_ agent: AgentClient) throws(CLIError) -> [PullState] {
        let answer = try agent.json("GET", RequestTarget(path: ["swiftlet", "v1", "pulls"]))
        return (answer["items"]?.arrayValue ?? []).map(PullState.init)
    }

    /// Whether a pod may be waiting for an image: only then is it worth a question.
    static func mayConcern(_ pod: Pod) -> Bool {
        pod.status.allContainerStatuses.contains {
            if case .waiting(let waiting) = $0.state { waiting.reason == "ContainerCreating" } else { false }
        }
    }

    /// In a table: `Pulling:43%`.
    var status: String {
        guard phase == "downloading", let total, total > 0 else { return "Pulling" }
        return "Pulling:\(done * 100 / total)%"
    }

    /// `downloading 12.3MB of 45.6MB (26%) for 12s`.
    var text: String {
        var text = phase
        if phase == "downloading", let total, total > 0 {
            text += " \(ImageList.size(done)) of \(ImageList.size(total)) (\(done * 100 / total)%)"
        }
        return text + " for \(seconds)s"
    }
}

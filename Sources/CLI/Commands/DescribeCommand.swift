import Base
import HTTP
import JSON
import Kube

/// `describe pod`: everything about a pod for people.
enum DescribeCommand {
    static let command = Command(
        "describe", "pod NAME...", "show a pod in full, with its events and a timeline", count: 1...64,
        options: [GetCommand.namespace]
    ) { (invocation, tool) throws(CLIError) in
        var words = invocation.arguments
        if ["pod", "pods", "po"].contains(words[0]) {
            words.removeFirst()
        } else if !words[0].contains("/") {
            throw .usage("describe: \"\(words[0])\" is not known; use \"swiftlet describe pod \(words[0])\"")
        }
        if words.isEmpty { throw .usage("describe pod: which? \"swiftlet get pods\" lists them") }
        let agent = try tool.agent()
        let namespace = Tool.namespace(invocation)
        let query = [RequestTarget.Item("namespace", namespace)]
        for (n, word) in words.enumerated() {
            let pod = Pod(try PodName.fetch(word, invocation, agent))
            let events = try agent.json("GET", RequestTarget(path: ["swiftlet", "v1", "events"], query: query))
            let own = (events["items"]?.arrayValue ?? []).map { Event($0) }
                .filter { $0.involvedObject.name == pod.metadata.name && $0.involvedObject.uid == pod.metadata.uid }
            if n > 0 { tool.output.put("\n\n".utf8) }
            let pulls = PullState.mayConcern(pod) ? try PullState.read(agent) : []
            let page = PodDescription(
                pod, EventPrinter.sorted(own),
                pulls: pulls.filter { $0.namespace == pod.metadata.namespace && $0.pod == pod.metadata.name },
                now: tool.now(), utc: tool.usesUTC)
            tool.output.put(page.text.utf8)
            let path = ["swiftlet", "v1", "pods", pod.metadata.namespace, pod.metadata.name, "timeline"]
            let timeline = try agent.json("GET", RequestTarget(path: path))
            tool.output.put(TimelinePage.text(timeline, utc: tool.usesUTC).utf8)
        }
        return 0
    }
}

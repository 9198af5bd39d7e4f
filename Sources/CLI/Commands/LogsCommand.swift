import Base
import HTTP
import JSON
import Kube

/// `logs`: what a container writes.
enum LogsCommand {
    static let command = Command(
        "logs", "POD", "print what a container writes", count: 1...2,
        options: [
            Option("follow", "f", "go on with what comes, over restarts, until the pod has ended"),
            Option("container", "c", value: "NAME", "the container, when the pod has several"),
            Option("tail", value: "LINES", "the last lines only"),
            Option("since", value: "DURATION", "nothing older, 30s or 1h30m"),
            Option("since-time", value: "TIME", "nothing older, 2026-01-01T00:00:00Z"),
            Option("timestamps", nil, "each line with its time"),
            Option("previous", "p", "of the container's run before this one"),
            Option("limit-bytes", value: "BYTES", "no more than that"),
            GetCommand.namespace,
        ]
    ) { (invocation, tool) throws(CLIError) in
        let query = try query(invocation)
        let agent = try tool.agent()
        let pod = Pod(try PodName.fetch(invocation.arguments[0], invocation, agent))
        let named = invocation["container"] ?? (invocation.arguments.count == 2 ? invocation.arguments[1] : nil)
        let container = try PodName.container(named, of: pod, tool)
        let path = ["containerLogs", pod.metadata.namespace, pod.metadata.name, container]
        try agent.stream("GET", RequestTarget(path: path, query: query)) { bytes in
            tool.output.put(bytes)
            tool.output.flush()
        }
        return 0
    }

    /// The parameters of the kubelet for the options.
    static func query(_ invocation: Invocation) throws(CLIError) -> [RequestTarget.Item] {
        var query: [RequestTarget.Item] = []
        for flag in ["follow", "previous", "timestamps"] where invocation.flag(flag) {
            query.append(.init(flag, "true"))
        }
        // kubectl's -1 means all.
        if let lines = try invocation.number("tail", atLeast: -1), lines >= 0 {
            query.append(.init("tailLines", String(lines)))
        }
        if let bytes = try invocation.number("limit-bytes", atLeast: 1) {
            query.append(.init("limitBytes", String(bytes)))
        }
        if let since = invocation["since"] {
            guard let seconds = HumanTime.seconds(since), seconds > 0 else {
                throw .usage("--since: \"\(since)\" is no length of time such as 30s, 5m or 1h30m")
            }
            query.append(.init("sinceSeconds", String(seconds)))
        }
        if let time = invocation["since-time"] {
            guard Timestamp(rfc3339: time) != nil else {
                throw .usage("--since-time: \"\(time)\" is no time such as 2026-01-01T00:00:00Z")
            }
            guard invocation["since"] == nil else { throw .usage("only one of --since and --since-time") }
            query.append(.init("sinceTime", time))
        }
        return query
    }
}

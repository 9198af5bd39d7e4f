import Base
import HTTP
import JSON
import Kube

/// `logs`: what containers write.
enum LogsCommand {
    static let command = Command(
        "logs", "[POD [CONTAINER]]", "print what containers write", count: 0...2,
        options: [
            Option("follow", "f", "go on with what comes, over restarts, until the pod has ended"),
            Option("container", "c", value: "NAME", "the container, when the pod has several"),
            Option("all-containers", nil, "all containers of the pod, init containers first"),
            GetCommand.selector, Option("prefix", nil, "each line with the names of its pod and container"),
            Option("tail", value: "LINES", "the last lines only (with --selector: 10 unless said)"),
            Option("since", value: "DURATION", "nothing older, 30s or 1h30m"),
            Option("since-time", value: "TIME", "nothing older, 2026-01-01T00:00:00Z"),
            Option("timestamps", nil, "each line with its time"),
            Option("previous", "p", "of the container's run before this one"),
            Option("limit-bytes", value: "BYTES", "no more than that, of each container"),
            GetCommand.namespace,
        ],
        details: """
            swiftlet logs -f web                            of the pod's first container
            swiftlet logs web --all-containers --prefix     of all, each line with its origin
            swiftlet logs -l app=web --all-containers -f    of several pods, line by line as they come
            """
    ) { (invocation, tool) throws(CLIError) in
        var query = try query(invocation)
        let agent = try tool.agent()
        let pods: [Pod]
        if let text = invocation["selector"] {
            guard invocation.arguments.isEmpty else {
                throw .usage("logs: a name and a selector are one too many; leave one out")
            }
            let selector = try LabelSelector(text)
            let all = try agent.json("GET", GetCommand.target(Tool.namespace(invocation)))["items"]?.arrayValue ?? []
            pods = all.map { Pod($0) }.filter { selector.matches($0.metadata.labels) }
            if pods.isEmpty {
                tool.say("No resources found in \(Tool.namespace(invocation)) namespace.")
                return 0
            }
            if invocation["tail"] == nil { query.append(.init("tailLines", "10")) }
        } else {
            guard let name = invocation.arguments.first else { throw .usage("logs: of which pod? POD or -l QUERY") }
            pods = [Pod(try PodName.fetch(name, invocation, agent))]
        }
        let named = invocation["container"] ?? (invocation.arguments.count == 2 ? invocation.arguments[1] : nil)
        let wantsAll = invocation.flag("all-containers")
        guard named == nil || !wantsAll else {
            throw .usage("logs: --all-containers and a container are one too many; leave one out")
        }
        var sources = LogSources(tool)
        for pod in pods {
            let containers =
                wantsAll
                ? pod.spec.allContainers.map(\.name)
                : [try PodName.container(named, of: pod, tool)]
            for container in containers {
                let path = ["containerLogs", pod.metadata.namespace, pod.metadata.name, container]
                try sources.add(
                    "pod/\(pod.metadata.name)/\(container)", RequestTarget(path: path, query: query),
                    hasPrefix: invocation.flag("prefix"))
            }
        }
        return try sources.print(sideBySide: invocation.flag("follow")) ? 0 : CLIError.Code.failed.rawValue
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

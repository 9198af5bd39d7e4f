import Base
import JSON
import Kube
import PodSources

/// `apply -f`: writes manifests into the agent's folder.
enum ApplyCommand {
    static let command = Command(
        "apply", "", "make pods of manifests and what they use, or change them", count: 0...0,
        options: [
            ManifestInput.option, GetCommand.namespace,
            Option("dry-run", nil, "say what would be done (--dry-run=client is the same)"),
            Option("output", "o", value: "FORMAT", "name, json or yaml"),
        ],
        details: """
            swiftlet apply -f web.yaml       checked as the agent would, then written into its manifest folder
            swiftlet apply -f manifests/     all of a folder; nothing is written when one of them is wrong
            generate | swiftlet apply -f -   from standard input

            A pod whose manifest changed is ended and started anew; "swiftlet diff -f FILE" shows what changes.
            What a ConfigMap or Secret holds reaches the volumes of running pods; variables are those of the start.
            """
    ) { (invocation, tool) throws(CLIError) in
        let files = invocation.options["filename"] ?? []
        if files.isEmpty { throw .usage("apply: what? Give a file, a folder or \"-\" with -f") }
        let format = try OutputFormat(invocation["output"])
        guard [.table, .name, .json, .yaml].contains(format) else {
            throw .usage("--output: apply prints name, json or yaml")
        }
        let inputs = try ManifestInput.read(files, namespace: invocation["namespace"])
        let isDry = invocation.flag("dry-run")
        let agent = try reachable(tool)
        let store = try ManifestStore(tool, agent)
        // Nothing is written before it is known that all can be.
        for item in inputs.flatMap(\.items) { _ = try store.place(item.key) }
        var pending: [PodKey] = []
        var printer = ObjectPrinter(format, hasHeader: false, output: tool.output)
        let before = isDry ? [:] : try uids(agent)
        for input in inputs {
            for item in input.items {
                for line in item.ineffective { tool.say(Printable.line("warning: \(input.name):\(line)")) }
                let change = store.change(item)
                if !isDry, change != .unchanged {
                    // The text as it came, comments included, where it is of this one alone and was not changed.
                    let isWhole = input.items.count == 1 && invocation["namespace"] == nil
                    if let kept = try store.write(item, text: isWhole ? input.bytes : nil) {
                        tool.say(Printable.line("warning: what stood there could not be read; it is kept as \(kept)"))
                    }
                    if item.key.kind == .pod { pending.append(item.key.key) }
                }
                guard try !printer.next(item.shown, name: { _ in item.key.short }) else { continue }
                tool.output.line(Printable.line("\(item.key.short) \(change.rawValue)" + (isDry ? " (dry run)" : "")))
            }
        }
        tool.output.flush()
        if isDry { return 0 }
        guard let agent else {
            tool.say("the agent is not running; the pods start when it does")
            return 0
        }
        try waitUntilSeen(pending, before, agent, tool)
        return 0
    }

    /// The agent; nil when none runs: manifests can be changed all the same.
    static func reachable(_ tool: Tool) throws(CLIError) -> AgentClient? {
        do throws(CLIError) { return try tool.agent() } catch {
            if error.code == .unreachable { return nil }
            throw error
        }
    }

    private static func uids(_ agent: AgentClient?) throws(CLIError) -> [PodKey: String] {
        let pods = try agent?.json("GET", GetCommand.target(nil))["items"]?.arrayValue ?? []
        return Dictionary(
            pods.map { pod in
                let metadata = pod["metadata"] ?? .null
                return (
                    PodKey(namespace: metadata.text("namespace"), name: metadata.text("name")), metadata.text("uid")
                )
            }, uniquingKeysWith: { $1 })
    }

    /// Waits until the agent has seen what was written, so that a command that follows finds it.
    private static func waitUntilSeen(
        _ keys: [PodKey], _ before: [PodKey: String], _ agent: AgentClient, _ tool: Tool
    ) throws(CLIError) {
        var waiting = Set(keys)
        if waiting.isEmpty { return }
        agent.deadline = .now + .seconds(5)
        func see(_ pod: JSONValue) -> Bool {
            let metadata = pod["metadata"] ?? .null
            let key = PodKey(namespace: metadata.text("namespace"), name: metadata.text("name"))
            if metadata["deletionTimestamp"] != nil || metadata.text("uid") != before[key] { waiting.remove(key) }
            return !waiting.isEmpty
        }
        do throws(CLIError) {
            try Watch("pods", namespace: nil).follow(agent) { pods in
                for pod in pods { _ = see(pod) }
                return !waiting.isEmpty
            } change: { _, pod in
                see(pod)
            }
        } catch {
            guard error == .timedOut else { throw error }
            for key in waiting.sorted() {
                tool.say("the agent has not taken up pod \(key) yet; \"swiftlet why \(key.name)\" may say more")
            }
        }
    }
}

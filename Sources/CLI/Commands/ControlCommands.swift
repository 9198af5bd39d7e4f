import Base
import HTTP
import JSON
import Kube

/// `stop`, `start` and `restart`: containers of a pod that stays.
enum ControlCommands {
    private static let container = Option("container", "c", value: "NAME", "this container only; the others go on")
    private static let grace = Option(
        "grace-period", value: "SECONDS", "how long they have to end (default: the pod's terminationGracePeriodSeconds)"
    )
    private static let wait = Option("wait", nil, "wait until they have ended (default: true)")

    static let stop = Command(
        "stop", "POD...", "end a pod's containers until they are started again", count: 1...64,
        options: [container, grace, GetCommand.namespace, wait],
        details: """
            What is stopped stays so over restarts of the agent and of the machine; the pod stays in the list, with the
            status Stopped. A change of its manifest starts it anew.
            """
    ) { (invocation, tool) throws(CLIError) in try run("stop", "stopped", invocation, tool) }

    static let start = Command(
        "start", "POD...", "run again what was stopped", count: 1...64,
        options: [container, GetCommand.namespace],
        details: "A container that waits after a crash begins at once."
    ) { (invocation, tool) throws(CLIError) in try run("start", "started", invocation, tool) }

    static let restart = Command(
        "restart", "POD...", "end a pod's containers and run them again", count: 1...64,
        options: [container, grace, GetCommand.namespace],
        details: "The pod stays the same instance. One that has ended for good is run once more, as a new instance."
    ) { (invocation, tool) throws(CLIError) in try run("restart", "restarted", invocation, tool) }

    private static func run(
        _ verb: String, _ done: String, _ invocation: Invocation, _ tool: Tool
    ) throws(CLIError) -> Int32 {
        var query: [RequestTarget.Item] = []
        if let name = invocation["container"] { query.append(.init("container", name)) }
        if let seconds = try invocation.number("grace-period", atLeast: 0) {
            query.append(.init("gracePeriodSeconds", String(seconds)))
        }
        var words = invocation.arguments
        if words.count > 1, ["pod", "pods", "po"].contains(words[0]) { words.removeFirst() }
        let namespace = Tool.namespace(invocation)
        let agent = try tool.agent()
        var code: Int32 = 0
        for word in words {
            let pod: Pod
            do throws(CLIError) {
                pod = Pod(try PodName.fetch(word, invocation, agent))
                let path = ["swiftlet", "v1", "pods", namespace, pod.metadata.name, verb]
                _ = try agent.request("POST", RequestTarget(path: path, query: query))
            } catch {
                guard error.code == .failed else { throw error }
                tool.say("error: \(Printable.line(error.message))")
                code = error.code.rawValue
                continue
            }
            if verb == "stop", invocation["wait"] != "false" {
                try waitForEnd(pod, invocation["container"], tool)
            }
            tool.output.line(Printable.line("pod/\(pod.metadata.name) \(done)"))
            tool.output.flush()
        }
        return code
    }

    /// Returns when the containers run no more.
    private static func waitForEnd(_ pod: Pod, _ container: String?, _ tool: Tool) throws(CLIError) {
        func hasEnded(_ value: JSONValue) -> Bool {
            let status = Pod(value).status
            return (status.initContainerStatuses + status.containerStatuses).allSatisfy {
                container != nil && $0.name != container || !$0.state.isRunning
            }
        }
        let agent = try tool.agent()
        let isIt = { (value: JSONValue) in GetCommand.name(value) == pod.metadata.name }
        try Watch("pods", namespace: pod.metadata.namespace).follow(agent) { pods in
            pods.first(where: isIt).map { !hasEnded($0) } ?? false
        } change: { kind, value in
            guard isIt(value) else { return true }
            return kind != .deleted && !hasEnded(value)
        }
    }
}

import Base
import JSON
import Kube

/// `wait`: returns when pods have come to be as they should.
enum WaitCommand {
    static let command = Command(
        "wait", "pod NAME...", "wait for pods to become ready, to be gone, or to have some value", count: 1...64,
        options: [
            Option(
                "for", value: "CONDITION", "condition=Ready[=False], delete, create, jsonpath='{.status.phase}'=Running"
            ),
            Option("timeout", value: "DURATION", "how long (default: 30s; 0s looks once, -1s waits without end)"),
            GetCommand.namespace, GetCommand.selector, Option("all", nil, "all pods of the namespace"),
        ],
        details: """
            swiftlet wait pod/web --for=condition=Ready --timeout=60s
            swiftlet wait pod/web --for=delete
            swiftlet wait pods -l app=web --for=jsonpath='{.status.phase}'=Succeeded
            """
    ) { (invocation, tool) throws(CLIError) in
        guard let text = invocation["for"] else {
            throw .usage("wait: for what? --for=condition=Ready, --for=delete, --for=create or --for=jsonpath='{…}'=…")
        }
        let goal = try Goal(text)
        var names = invocation.arguments
        if let first = names.first, ["pod", "pods", "po"].contains(first) { names.removeFirst() }
        names = names.map(PodName.plain)
        let selector: LabelSelector?
        if let text = invocation["selector"] { selector = try LabelSelector(text) } else { selector = nil }
        guard !names.isEmpty || selector != nil || invocation.flag("all") else {
            throw .usage("wait: which? Give names, -l QUERY or --all")
        }
        let agent = try tool.agent()
        let timeout = try timeout(invocation["timeout"], otherwise: .seconds(30))
        var wait = Waiting(goal: goal, names: names, selector: selector, tool: tool)
        do throws(CLIError) {
            try Watch("pods", namespace: Tool.namespace(invocation)).follow(agent) { (pods) throws(CLIError) in
                try wait.begin(pods)
                // What is there is looked at in any case; the time runs from then on.
                agent.deadline = timeout.map { .now + $0 }
                return !wait.pending.isEmpty
            } change: { (kind, pod) throws(CLIError) in
                try wait.see(kind, pod)
                return !wait.pending.isEmpty
            }
        } catch {
            guard error == .timedOut else { throw error }
            for name in wait.pending.sorted() { tool.say("error: \(error.message) on pods/\(Printable.line(name))") }
            return CLIError.Code.failed.rawValue
        }
        return 0
    }

    /// The time that a `--timeout` stands for; nil for no limit.
    static func timeout(_ text: String?, otherwise: Nanoseconds?) throws(CLIError) -> Nanoseconds? {
        guard let text else { return otherwise }
        if text.hasPrefix("-"), HumanTime.seconds(String(text.dropFirst())) != nil { return nil }
        guard let seconds = text == "0" ? 0 : HumanTime.seconds(text) else {
            throw .usage("--timeout: \"\(text)\" is no length of time such as 30s, 5m or 1h30m")
        }
        return .seconds(min(seconds, 1 << 31))
    }

    /// What is waited for.
    enum Goal: Hashable {
        case condition(String, status: String)
        case value(JSONPathTemplate, equals: String?)
        case deletion
        case creation

        init(_ text: String) throws(CLIError) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            switch (parts[0], parts.count) {
            case ("delete", 1): self = .deletion
            case ("create", 1): self = .creation
            case ("condition", 2) where !parts[1].isEmpty:
                let words = parts[1].split(separator: "=", maxSplits: 1).map(String.init)
                self = .condition(words[0].lowercased(), status: (words.count == 2 ? words[1] : "True").lowercased())
            case ("jsonpath", 2): self = try Self.path(parts[1])
            default:
                throw .usage(
                    "--for: \"\(text)\" is none of condition=NAME[=VALUE], delete, create, jsonpath='{…}'[=VALUE]")
            }
        }

        private static func path(_ text: String) throws(CLIError) -> Goal {
            // The value comes after the braces, in which "=" may stand too.
            let end = text.lastIndex(of: "}").map { text.index(after: $0) } ?? text.firstIndex(of: "=") ?? text.endIndex
            let value = text[end...]
            guard value.isEmpty || value.hasPrefix("=") && value.count > 1 else {
                throw .usage("--for: a value is missing or misplaced in \"jsonpath=\(text)\"")
            }
            do throws(JSONPathError) {
                return .value(
                    try JSONPathTemplate(relaxed: String(text[..<end])),
                    equals: value.isEmpty ? nil : String(value.dropFirst()))
            } catch {
                throw .usage("--for: \(error)")
            }
        }

        func isMet(by pod: JSONValue) throws(CLIError) -> Bool {
            switch self {
            case .deletion: return false
            case .creation: return true
            case .condition(let type, let status):
                return (pod["status"]?["conditions"]?.arrayValue ?? []).contains {
                    $0.text("type").lowercased() == type && $0.text("status").lowercased() == status
                }
            case .value(let template, let wanted):
                do throws(JSONPathError) {
                    let values = try template.values(in: pod)
                    guard let wanted else { return !values.isEmpty }
                    return values.count == 1 && JSONPathTemplate.text(values[0]) == wanted
                } catch {
                    // A list that is not there yet.
                    return false
                }
            }
        }
    }

    private struct Waiting {
        let goal: Goal
        let names: [String]
        let selector: LabelSelector?
        let tool: Tool
        /// The names of the pods that are waited for.
        var pending: Set<String> = []
        /// The instances whose end is waited for, by name.
        private var instances: [String: String] = [:]

        init(goal: Goal, names: [String], selector: LabelSelector?, tool: Tool) {
            self.goal = goal
            self.names = names
            self.selector = selector
            self.tool = tool
        }

        mutating func begin(_ pods: [JSONValue]) throws(CLIError) {
            var chosen = names
            if names.isEmpty {
                chosen = pods.map { Pod($0) }.filter { selector?.matches($0.metadata.labels) ?? true }
                    .map(\.metadata.name)
                if chosen.isEmpty { throw .failed("no matching resources found") }
            }
            pending = Set(chosen)
            for name in chosen {
                guard let pod = pods.first(where: { GetCommand.name($0) == name }) else {
                    if goal == .deletion { met(name) }
                    if goal == .deletion || goal == .creation { continue }
                    throw .failed(PodName.notFound(name, among: pods.map { GetCommand.name($0) }))
                }
                instances[name] = pod["metadata"]?.text("uid")
                if try goal.isMet(by: pod) { met(name) }
            }
            tool.output.flush()
        }

        mutating func see(_ kind: Watch.Kind, _ pod: JSONValue) throws(CLIError) {
            let name = GetCommand.name(pod)
            guard pending.contains(name) else { return }
            if goal == .deletion {
                // Another of the same name is not the one that was there.
                if kind == .deleted || pod["metadata"]?.text("uid") != instances[name] { met(name) }
            } else if kind != .deleted, try goal.isMet(by: pod) {
                met(name)
            }
            tool.output.flush()
        }

        private mutating func met(_ name: String) {
            pending.remove(name)
            tool.output.line(Printable.line("pod/\(name) condition met"))
        }
    }
}

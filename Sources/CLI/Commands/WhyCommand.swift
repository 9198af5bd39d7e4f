import Base
import HTTP
import JSON
import Kube
import YAML

/// `why`: what is wrong with a pod, what is behind it, and what to do.
enum WhyCommand {
    static let command = Command(
        "why", "[POD...]", "say why a pod is not as it should be, and what to do", count: 0...64,
        options: [
            GetCommand.namespace, Option("all-namespaces", "A", "without POD: pods of all namespaces"),
            Option("output", "o", value: "FORMAT", "json, yaml or name"),
        ],
        details: """
            swiftlet why web      the chain of causes: container, last end, what the program said, and the fix
            swiftlet why          the same for every pod that is not ready

            The name in brackets is the fault's, listed in docs/why.md. Exit code 0: the question was answered.
            """
    ) { (invocation, tool) throws(CLIError) in
        let format = try OutputFormat(invocation["output"])
        guard [.table, .json, .yaml, .name].contains(format) else {
            throw .usage("--output: why is printed as text, json, yaml or name")
        }
        let wantsAll = invocation.flag("all-namespaces") && invocation.arguments.isEmpty
        let gatherer = try Gatherer(namespace: wantsAll ? nil : Tool.namespace(invocation), tool)
        let found = try invocation.arguments.isEmpty ? gatherer.all() : gatherer.named(invocation.arguments)
        let answers = found.map { (evidence: $0, causes: Diagnosis(evidence: $0).causes) }
        switch format {
        case .json: tool.output.put(Documents.json(list(answers.map(json))))
        case .yaml: tool.output.put(YAMLWriter.text(list(answers.map(json))).utf8)
        case .name: for cause in answers.flatMap(\.causes) { tool.output.line(cause.fault.name) }
        default:
            if answers.isEmpty { tool.say("All pods are as they should be.") }
            for (n, answer) in answers.enumerated() {
                if n > 0 { tool.output.line() }
                tool.output.put(text(answer.evidence, answer.causes).utf8)
            }
        }
        return 0
    }

    /// What `why` says of each pod of the node that is not as it should be.
    static func answers(_ tool: Tool) throws(CLIError) -> [String] {
        var answers: [String] = []
        for evidence in try Gatherer(namespace: nil, tool).all() {
            answers.append(text(evidence, Diagnosis(evidence: evidence).causes))
        }
        return answers
    }

    // MARK: Printing

    private static func list(_ items: [JSONValue]) -> JSONValue { ["items": .array(items)] }

    private static func json(_ answer: (evidence: Evidence, causes: [Cause])) -> JSONValue {
        let causes = answer.causes.map { cause -> JSONValue in
            var object = JSONObject()
            object.append("fault", .string(cause.fault.name))
            object.append("container", ifPresent: cause.container.map { .string($0) })
            object.append("chain", .strings(cause.chain + [cause.fault.meaning]))
            object.append("said", .strings(cause.said))
            object.append("fix", .string(cause.fault.fix))
            return .object(object)
        }
        return ["pod": .string(answer.evidence.key), "causes": .array(causes)]
    }

    static func text(_ evidence: Evidence, _ causes: [Cause]) -> String {
        var text = "Pod \(evidence.key): "
        text += (evidence.pod.map { PodSummary($0).status } ?? "not on this node") + "\n"
        for cause in causes {
            text += "\n"
            for (n, link) in cause.chain.enumerated() { text += (n == 0 ? "  " : "  because ") + link + "\n" }
            text += "  because \(cause.fault.meaning)  [\(cause.fault.name)]\n"
            for line in cause.said { text += "      " + line + "\n" }
            if !cause.fault.fix.isEmpty { text += "  Fix: \(cause.fault.fix)\n" }
        }
        return Printable.text(text)
    }

    // MARK: Asking

    private struct Gatherer {
        let namespace: String?
        let tool: Tool
        let agent: AgentClient
        let pods: [JSONValue]
        let events: [Event]
        let problems: [Problem]
        let isDraining: Bool

        init(namespace: String?, _ tool: Tool) throws(CLIError) {
            self.namespace = namespace
            self.tool = tool
            agent = try tool.agent()
            pods = try agent.json("GET", GetCommand.target(namespace))["items"]?.arrayValue ?? []
            var target = RequestTarget(path: ["swiftlet", "v1", "events"])
            if let namespace { target.query.append(.init("namespace", namespace)) }
            events = (try agent.json("GET", target)["items"]?.arrayValue ?? []).map { Event($0) }
            problems = try Problem.read(agent)
            let status = try agent.json("GET", RequestTarget(path: ["swiftlet", "v1", "status"]))
            isDraining = status["draining"]?.boolValue ?? false
        }

        /// Those that are not ready, and have not ended well.
        func all() throws(CLIError) -> [Evidence] {
            var found: [Evidence] = []
            for value in pods {
                let pod = Pod(value)
                if PodSummary.isTrue("Ready", pod) || pod.status.phase == .succeeded { continue }
                found.append(try evidence(pod))
            }
            return found
        }

        func named(_ words: [String]) throws(CLIError) -> [Evidence] {
            var found: [Evidence] = []
            for word in words {
                let name = PodName.plain(word)
                if let pod = pods.first(where: { GetCommand.name($0) == name }) {
                    found.append(try evidence(Pod(pod)))
                    continue
                }
                let evidence = Evidence(
                    key: "\(namespace ?? "default")/\(name)", problems: problems.filter { names($0, name) },
                    isDraining: isDraining, now: tool.now())
                guard !evidence.problems.isEmpty || isDraining else {
                    throw .failed(PodName.notFound(name, among: pods.map { GetCommand.name($0) }))
                }
                found.append(evidence)
            }
            return found
        }

        private func evidence(_ pod: Pod) throws(CLIError) -> Evidence {
            var evidence = Evidence(
                key: pod.fullName, pod: pod,
                events: EventPrinter.sorted(
                    events.filter {
                        $0.involvedObject.name == pod.metadata.name && $0.involvedObject.uid == pod.metadata.uid
                    }),
                problems: problems.filter { $0.keepsRunning == pod.fullName || names($0, pod.metadata.name) },
                isDraining: isDraining, now: tool.now())
            for status in pod.status.initContainerStatuses + pod.status.containerStatuses {
                let end = status.state.terminated ?? status.lastState?.terminated
                guard let end, end.exitCode != 0 else { continue }
                evidence.output[status.name] = output(pod, status)
            }
            return evidence
        }

        /// The last lines of the run that ended. A log that is gone is no hindrance.
        private func output(_ pod: Pod, _ status: ContainerStatus) -> [String] {
            var query = [RequestTarget.Item("tailLines", "20")]
            if status.state.isRunning { query.append(.init("previous", "true")) }
            let path = ["containerLogs", pod.metadata.namespace, pod.metadata.name, status.name]
            guard let bytes = try? agent.request("GET", RequestTarget(path: path, query: query)) else { return [] }
            return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
                .map { String($0.prefix(500)) }
        }

        /// Whether a manifest that cannot be used is the pod's: its text, or its name, says so.
        private func names(_ problem: Problem, _ name: String) -> Bool {
            if problem.message.contains("/\(name) ") { return true }
            let file = Path.name(problem.path)
            if file.split(separator: ".").first.map(String.init) == name { return true }
            guard let bytes = try? Files.read(problem.path, limit: 10 << 20) else { return false }
            return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).contains { line in
                guard let range = line.firstRange(of: "name") else { return false }
                let value = line[range.upperBound...].drop { " \t:\"'".contains($0) }
                return value.prefix { !" \t,}\"'#".contains($0) } == name
            }
        }
    }
}

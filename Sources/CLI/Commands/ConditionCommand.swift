import Base
import HTTP
import JSON
import Kube

/// `condition`: sets conditions of a pod that are not the node's, such as those of its readiness gates.
enum ConditionCommand {
    static let command = Command(
        "condition", "POD TYPE=STATUS... TYPE-...", "set conditions of a pod, which its readiness gates wait for",
        count: 2...64,
        options: [
            Option("reason", value: "WORD", "why, in one word"),
            Option("message", value: "TEXT", "why, for people"),
            GetCommand.namespace,
        ],
        details: """
            swiftlet condition web example.com/in-service=True     the load balancer sends it requests
            swiftlet condition web example.com/in-service-         nobody knows any more

            STATUS is True, False or Unknown. A pod with readinessGates is Ready when its containers are and the condition
            of each gate is True. Conditions hold over restarts of the agent, for this instance of the pod; those that the
            node says itself, such as Ready, cannot be set.
            """
    ) { (invocation, tool) throws(CLIError) in
        var words = invocation.arguments
        if words.count > 2, ["pod", "pods", "po"].contains(words[0]) { words.removeFirst() }
        let conditions = try conditions(Array(words.dropFirst()), invocation)
        let agent = try tool.agent()
        let pod = Pod(try PodName.fetch(words[0], invocation, agent))
        let path = ["swiftlet", "v1", "pods", pod.metadata.namespace, pod.metadata.name, "status"]
        let body: JSONValue = ["status": ["conditions": .array(conditions)]]
        _ = try agent.request(
            "PATCH", RequestTarget(path: path), body: body, type: "application/strategic-merge-patch+json")
        tool.output.line(Printable.line("pod/\(pod.metadata.name) conditions set"))
        return 0
    }

    /// The elements of the patch that the words ask for.
    static func conditions(_ words: [String], _ invocation: Invocation) throws(CLIError) -> [JSONValue] {
        var conditions: [JSONValue] = []
        for word in words {
            if word.hasSuffix("-"), !word.contains("=") {
                conditions.append(["type": .string(String(word.dropLast())), "$patch": "delete"])
                continue
            }
            guard let sign = word.firstIndex(of: "="), sign > word.startIndex else {
                throw .usage("condition: \"\(word)\" is neither TYPE=STATUS nor TYPE-")
            }
            let status = String(word[word.index(after: sign)...])
            guard ConditionStatus(rawValue: status) != nil else {
                throw .usage("condition: \"\(status)\" is none of True, False and Unknown")
            }
            var condition = JSONObject()
            condition.append("type", .string(String(word[..<sign])))
            condition.append("status", .string(status))
            condition.append("reason", ifPresent: invocation["reason"].map { .string($0) })
            condition.append("message", ifPresent: invocation["message"].map { .string($0) })
            conditions.append(.object(condition))
        }
        return conditions
    }
}

import HTTP
import JSON

/// `doctor`: everything that is wrong with the node and its pods, with what to do.
enum DoctorCommand {
    static let command = Command(
        "doctor", "", "say what is wrong with the node, its manifests and its pods, and what to do",
        details: """
            Looks at what the kernel lacks, the agent's configuration, the pods' network, manifests that cannot be used, and
            every pod that is not as it should be. Exit code 1 when something is to be done.
            """
    ) { (_, tool) throws(CLIError) in
        let agent = try tool.agent()
        let status = try agent.json("GET", RequestTarget(path: ["swiftlet", "v1", "status"]))
        let node = findings(status)
        let problems = try Problem.read(agent)
        let pods = try WhyCommand.answers(tool)
        for finding in node { tool.output.line(Printable.line(finding)) }
        for problem in problems { tool.output.line("manifest: " + Printable.line(problem.text)) }
        if !pods.isEmpty, !node.isEmpty || !problems.isEmpty { tool.output.line() }
        tool.output.put(pods.joined(separator: "\n").utf8)
        guard node.isEmpty, problems.isEmpty, pods.isEmpty else { return 1 }
        tool.output.line("Nothing is wrong: the node has what it needs, and all pods are as they should be.")
        return 0
    }

    /// What of the node's state wants attention: `place: what was found`.
    static func findings(_ status: JSONValue) -> [String] {
        func lines(_ key: String, where isWrong: (JSONValue) -> Bool, line: (JSONValue) -> String) -> [String] {
            (status[key]?.arrayValue ?? []).filter(isWrong).map(line)
        }
        var found = lines("features") {
            $0["state"]?.stringValue != "used"
        } line: {
            "\($0["name"]?.stringValue ?? "?"): \($0["detail"]?.stringValue ?? "")"
        }
        found += lines("conditions") {
            $0["status"]?.stringValue != "True" || $0["reason"] == "RestartNeeded"
        } line: {
            "\($0["type"]?.stringValue ?? "?"): \($0["message"]?.stringValue ?? "")"
        }
        if status["draining"]?.boolValue == true {
            found.append("draining: no pod is started; restart the agent to go on (systemctl restart swiftletd)")
        }
        return found
    }
}

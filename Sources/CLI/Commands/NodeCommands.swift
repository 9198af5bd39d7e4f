import Base
import HTTP
import JSON
import YAML

/// `status`, `drain` and `version`: the node and its agent.
enum NodeCommands {
    static let status = Command(
        "status", "", "show the state of the node and its agent",
        options: [Option("output", "o", value: "FORMAT", "json or yaml")]
    ) { (invocation, tool) throws(CLIError) in
        let format = try OutputFormat(invocation["output"])
        guard [.table, .json, .yaml].contains(format) else {
            throw .usage("--output: status is printed as text, json or yaml")
        }
        let agent = try tool.agent()
        let status = try agent.json("GET", RequestTarget(path: ["swiftlet", "v1", "status"]))
        if format == .json {
            tool.output.put(Documents.json(status))
        } else if format == .yaml {
            tool.output.put(YAMLWriter.text(status).utf8)
        } else {
            let problems = try Problem.read(agent)
            tool.output.put(StatusPage.text(status, problems, now: tool.now()).utf8)
        }
        return 0
    }

    static let drain = Command(
        "drain", "", "end all pods gracefully and start no new ones",
        options: [
            Option("grace-period", value: "SECONDS", "instead of each pod's own terminationGracePeriodSeconds")
        ],
        details: "The manifests stay. Pods start again when the agent does."
    ) { (invocation, tool) throws(CLIError) in
        var target = RequestTarget(path: ["swiftlet", "v1", "drain"])
        if let seconds = try invocation.number("grace-period", atLeast: 0) {
            target.query.append(.init("gracePeriodSeconds", String(seconds)))
        }
        var isDone = false
        try tool.agent().lines("POST", target) { (line) throws(CLIError) in
            let message = line["message"]?.stringValue ?? ""
            if line["type"] == "ERROR" { throw .failed("drain: \(message)") }
            if line["type"] == "DONE" { isDone = true }
            tool.output.line(Printable.line(message))
            tool.output.flush()
        }
        guard isDone else { throw CLIError(.unreachable, "the agent went away before the drain was done") }
        return 0
    }

    static let version = Command(
        "version", "", "show the versions of this program and of the agent",
        options: [Option("client", nil, "of this program only")]
    ) { (invocation, tool) throws(CLIError) in
        tool.output.line("swiftlet: \(Release.version)")
        tool.output.flush()
        if invocation.flag("client") { return 0 }
        let answer = try tool.agent().json("GET", RequestTarget(path: ["swiftlet", "v1", "version"]))
        tool.output.line("agent:    \(Printable.line(answer["version"]?.stringValue ?? "?"))")
        return 0
    }
}

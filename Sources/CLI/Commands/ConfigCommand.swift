import Base
import HTTP
import JSON
import YAML

/// `config view`: the settings of the agent.
enum ConfigCommand {
    static let view = Command(
        "config view", "", "show the agent's settings",
        options: [
            Option("effective", nil, "all that hold, with the built-in ones, and where each comes from"),
            Option("output", "o", value: "FORMAT", "yaml or json: a configuration file that says all this"),
        ],
        details: """
            Without --effective those that the configuration file and the command line set. Values that may be secrets
            (headers, the query of URLs) are hidden. "swiftletd --check" reads a file without an agent.
            """
    ) { (invocation, tool) throws(CLIError) in
        let format = try OutputFormat(invocation["output"])
        guard [.table, .json, .yaml].contains(format) else {
            throw .usage("--output: the configuration is printed as yaml or json")
        }
        let answer = try tool.agent().json("GET", RequestTarget(path: ["swiftlet", "v1", "config"]))
        let settings = (answer["settings"]?.arrayValue ?? []).filter {
            invocation.flag("effective") || $0["origin"]?.stringValue != "default"
        }
        var document = JSONObject()
        for name in ["apiVersion", "kind"] { document.append(name, answer["document"]?[name] ?? .null) }
        for setting in settings { document.append(setting["name"]?.stringValue ?? "", setting["value"] ?? .null) }
        switch format {
        case .json: tool.output.put(Documents.json(.object(document)))
        case .yaml: tool.output.put(YAMLWriter.text(.object(document)).utf8)
        default: tool.output.put(page(answer, settings).utf8)
        }
        if let problem = answer["problem"]?.stringValue {
            tool.say(
                Printable.text("warning: the file is not used as it stands; what held before holds on:\n\(problem)"))
        }
        return 0
    }

    /// YAML with a remark on each setting.
    private static func page(_ answer: JSONValue, _ settings: [JSONValue]) -> String {
        let path = answer["path"]?.stringValue ?? ""
        var text = "# \(Printable.line(path))\n"
        for name in ["apiVersion", "kind"] { text += YAMLWriter.text([name: answer["document"]?[name] ?? .null]) }
        for setting in settings {
            guard let name = setting["name"]?.stringValue, let value = setting["value"] else { continue }
            var remark = setting["origin"]?.stringValue ?? ""
            if let later = setting["afterRestart"] {
                remark += "; \(JSONWriter().text(later)) once swiftletd is restarted"
            }
            var lines = YAMLWriter.text([name: value]).split(separator: "\n", omittingEmptySubsequences: false)
            let width = max(2, 44 - lines[0].count)
            lines[0] += Help.spaces(width) + "# " + Printable.line(remark)
            text += lines.joined(separator: "\n")
        }
        return text
    }
}

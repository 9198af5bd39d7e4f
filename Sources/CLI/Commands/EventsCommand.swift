import HTTP
import JSON

/// `events`: what happened to pods.
enum EventsCommand {
    static let command = Command(
        "events", "", "show what happened to pods",
        options: [
            GetCommand.namespace, Option("all-namespaces", "A", "events of all namespaces"),
            Option("for", value: "pod/NAME", "events of one pod only"),
            Option("types", value: "TYPE", "Normal or Warning only"), GetCommand.watch, GetCommand.noHeaders,
            Option("output", "o", value: "FORMAT", "json, yaml, jsonpath=…, custom-columns=…"),
        ], run: run)

    static func run(_ invocation: Invocation, _ tool: Tool) throws(CLIError) -> Int32 {
        let format = try OutputFormat(invocation["output"])
        if case .name = format { throw .usage("--output: events have no names to print; use json or yaml") }
        let namespace = invocation.flag("all-namespaces") ? nil : Tool.namespace(invocation)
        let type = invocation["types"]
        if let type, type != "Normal", type != "Warning" {
            throw .usage("--types: \"\(type)\" is neither Normal nor Warning")
        }
        let pod = invocation["for"].map(PodName.plain)
        let isWanted: (JSONValue) -> Bool = { value in
            (type == nil || value["type"]?.stringValue == type)
                && (pod == nil || value["involvedObject"]?["name"]?.stringValue == pod)
        }
        var printer = EventPrinter(
            format: format, showsNamespace: namespace == nil, hasHeader: !invocation.flag("no-headers"), tool: tool)
        if invocation.flag("watch") {
            try Watch("events", namespace: namespace).follow(try tool.agent()) { (events) throws(CLIError) in
                try printer.watched(events.filter(isWanted))
                return true
            } change: { (_, event) throws(CLIError) in
                if isWanted(event) { try printer.watched([event]) }
                return true
            }
            return 0
        }
        var target = RequestTarget(path: ["swiftlet", "v1", "events"])
        if let namespace { target.query.append(.init("namespace", namespace)) }
        let events = try tool.agent().json("GET", target)["items"]?.arrayValue ?? []
        try printer.list(events.filter(isWanted), place: namespace)
        return 0
    }
}

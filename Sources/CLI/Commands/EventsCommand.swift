import Base
import HTTP
import JSON
import Kube
import YAML

/// `events`: what happened to pods.
enum EventsCommand {
    static let command = Command(
        "events", "", "show what happened to pods",
        options: [
            GetCommand.namespace, Option("all-namespaces", "A", "events of all namespaces"),
            Option("for", value: "pod/NAME", "events of one pod only"),
            Option("types", value: "TYPE", "Normal or Warning only"), GetCommand.watch, GetCommand.noHeaders,
            Option("output", "o", value: "FORMAT", "json or yaml"),
        ], run: run)

    static func run(_ invocation: Invocation, _ tool: Tool) throws(CLIError) -> Int32 {
        let format = try OutputFormat(invocation["output"])
        guard format != .name else { throw .usage("--output: events have no names to print; use json or yaml") }
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
        var target = RequestTarget(path: ["swiftlet", "v1", "events"])
        if let namespace { target.query.append(.init("namespace", namespace)) }
        var printer = EventPrinter(
            format: format, showsNamespace: namespace == nil, hasHeader: !invocation.flag("no-headers"), tool: tool)
        if invocation.flag("watch") {
            target.query.append(.init("watch", "true"))
            try tool.agent().lines("GET", target) { (event) throws(CLIError) in
                if event["type"] == "ERROR" {
                    throw .failed(event["object"]?["message"]?.stringValue ?? "the watch was ended by the agent")
                }
                guard let object = event["object"], isWanted(object) else { return }
                printer.watched(object)
            }
            throw CLIError(.unreachable, "the agent ended the watch")
        }
        let events = try tool.agent().json("GET", target)["items"]?.arrayValue ?? []
        printer.list(events.filter(isWanted), place: namespace)
        return 0
    }
}

/// Prints events as `kubectl events` does.
struct EventPrinter {
    let format: OutputFormat
    let showsNamespace: Bool
    let hasHeader: Bool
    let tool: Tool
    private var table: Table
    private var isFirst = true

    init(format: OutputFormat, showsNamespace: Bool, hasHeader: Bool, tool: Tool) {
        self.format = format
        self.showsNamespace = showsNamespace
        self.hasHeader = hasHeader
        self.tool = tool
        table = Table((showsNamespace ? ["NAMESPACE"] : []) + ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"])
    }

    mutating func list(_ events: [JSONValue], place: String?) {
        switch format {
        case .json: tool.output.put(Documents.json(GetCommand.list(events)))
        case .yaml: tool.output.put(YAMLWriter.text(GetCommand.list(events)).utf8)
        default:
            if events.isEmpty {
                return tool.say("No events found" + (place.map { " in \($0) namespace." } ?? "."))
            }
            let rows = Self.sorted(events.map { Event($0) }).map { row($0) }
            tool.output.put(table.text(rows, withHeader: hasHeader, isColoured: tool.output.isColoured).utf8)
        }
    }

    mutating func watched(_ event: JSONValue) {
        switch format {
        case .json: tool.output.put(Documents.json(event))
        case .yaml: tool.output.put(((isFirst ? "" : "---\n") + YAMLWriter.text(event)).utf8)
        default:
            let header = isFirst && hasHeader
            tool.output.put(
                table.text([row(Event(event))], withHeader: header, isColoured: tool.output.isColoured).utf8)
        }
        isFirst = false
        tool.output.flush()
    }

    private func row(_ event: Event) -> [Table.Cell] {
        let object = "\(event.involvedObject.kind)/\(event.involvedObject.name)"
        return (showsNamespace ? [.init(event.metadata.namespace)] : []) + [
            .init(Self.seen(event, tool.now())),
            .init(event.type.rawValue, event.type == .warning ? .waiting : .plain), .init(event.reason),
            .init(object), .init(event.message),
        ]
    }

    /// By the time they were last seen, as kubectl has them; those of one moment stay in their order.
    static func sorted(_ events: [Event]) -> [Event] {
        func key(_ event: Event) -> Int64 { (event.lastTimestamp ?? event.firstTimestamp)?.nanoseconds ?? 0 }
        return events.enumerated().sorted { (key($0.element), $0.offset) < (key($1.element), $1.offset) }
            .map(\.element)
    }

    /// `5s`, or `5s (x3 over 2m)` for an event that was counted.
    static func seen(_ event: Event, _ now: Timestamp) -> String {
        let last = HumanTime.age(event.lastTimestamp ?? event.firstTimestamp, now)
        guard event.count > 1 else { return last }
        return "\(last) (x\(event.count) over \(HumanTime.age(event.firstTimestamp, now)))"
    }
}

import Base
import JSON
import Kube

/// Prints events as `kubectl events` does.
struct EventPrinter {
    let showsNamespace: Bool
    let hasHeader: Bool
    let tool: Tool
    private var objects: ObjectPrinter
    private var table: Table
    private var isFirst = true

    init(format: OutputFormat, showsNamespace: Bool, hasHeader: Bool, tool: Tool) {
        self.showsNamespace = showsNamespace
        self.hasHeader = hasHeader
        self.tool = tool
        objects = ObjectPrinter(format, hasHeader: hasHeader, output: tool.output)
        table = Table((showsNamespace ? ["NAMESPACE"] : []) + ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"])
    }

    mutating func list(_ events: [JSONValue], place: String?) throws(CLIError) {
        if try objects.list(events, isSingle: false, name: GetCommand.name) { return }
        if events.isEmpty {
            return tool.say("No events found" + (place.map { " in \($0) namespace." } ?? "."))
        }
        let rows = Self.sorted(events.map { Event($0) }).map { row($0) }
        tool.output.put(table.text(rows, withHeader: hasHeader, isColoured: tool.output.isColoured).utf8)
    }

    mutating func watched(_ events: [JSONValue]) throws(CLIError) {
        var others: [JSONValue] = []
        for event in events where try !objects.next(event, name: GetCommand.name) { others.append(event) }
        if !others.isEmpty {
            let rows = Self.sorted(others.map { Event($0) }).map { row($0) }
            let header = isFirst && hasHeader
            tool.output.put(table.text(rows, withHeader: header, isColoured: tool.output.isColoured).utf8)
            isFirst = false
        }
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

import JSON
import Kube

/// Which pods are shown, and how.
struct PodView {
    /// Empty for all.
    var names: Set<String>
    /// Nil for all.
    var namespace: String?
    var format: OutputFormat
    var hasHeader: Bool
    var tool: Tool

    func isWanted(_ pod: JSONValue) -> Bool { names.isEmpty || names.contains(GetCommand.name(pod)) }

    func table() -> Table {
        var columns = namespace == nil ? ["NAMESPACE"] : []
        columns += ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
        if format == .wide { columns += ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"] }
        return Table(columns)
    }

    func row(_ pod: Pod) -> [Table.Cell] {
        let now = tool.now()
        let summary = PodSummary(pod)
        var row: [Table.Cell] = namespace == nil ? [.init(pod.metadata.namespace)] : []
        row += [
            .init(pod.metadata.name), .init(summary.readyText), .init(summary.status, summary.style),
            .init(summary.restartsText(now)), .init(HumanTime.age(pod.metadata.creationTimestamp, now)),
        ]
        if format == .wide {
            row += [
                .init(pod.status.podIP ?? "<none>"), .init(pod.spec.nodeName ?? "<none>"), .init("<none>"),
                .init("<none>"),
            ]
        }
        return row
    }
}

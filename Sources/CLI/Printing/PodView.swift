import JSON
import Kube

/// Which pods are shown, and how.
struct PodView {
    /// Empty for all.
    var names: Set<String>
    /// Nil for all.
    var namespace: String?
    var labels: LabelSelector?
    var fields: FieldSelector?
    var format: OutputFormat
    var hasHeader: Bool
    /// Labels that are columns.
    var labelColumns: [String] = []
    var showsLabels = false
    /// A column with what happened, of a watch.
    var showsEvents = false
    /// Images that are pulled for them.
    var pulls: [PullState] = []
    var tool: Tool

    func isWanted(_ pod: JSONValue) -> Bool {
        if !names.isEmpty, !names.contains(GetCommand.name(pod)) { return false }
        if let fields, !fields.matches(pod) { return false }
        return labels?.matches(Self.labels(pod)) ?? true
    }

    private static func labels(_ pod: JSONValue) -> [String: String] {
        let members = pod["metadata"]?["labels"]?.objectValue?.members ?? []
        return Dictionary(members.map { ($0.key, $0.value.stringValue ?? "") }, uniquingKeysWith: { $1 })
    }

    func table() -> Table {
        var columns = showsEvents ? ["EVENT"] : []
        if namespace == nil { columns.append("NAMESPACE") }
        columns += ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
        if format == .wide { columns += ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"] }
        columns += labelColumns.map { $0.split(separator: "/").last.map { $0.uppercased() } ?? $0 }
        if showsLabels { columns.append("LABELS") }
        return Table(columns)
    }

    /// As kubectl says it, but that a pod which waits for an image tells how far that is.
    private func status(_ pod: Pod, _ summary: PodSummary) -> String {
        guard ["ContainerCreating", "Init:ContainerCreating"].contains(summary.status) else { return summary.status }
        let pull = pulls.first { $0.namespace == pod.metadata.namespace && $0.pod == pod.metadata.name }
        return pull?.status ?? summary.status
    }

    func row(_ value: JSONValue, _ event: Watch.Kind? = nil) -> [Table.Cell] {
        let pod = Pod(value)
        let now = tool.now()
        let summary = PodSummary(pod)
        var row: [Table.Cell] = showsEvents ? [.init((event ?? .added).rawValue)] : []
        if namespace == nil { row.append(.init(pod.metadata.namespace)) }
        row += [
            .init(pod.metadata.name), .init(summary.readyText), .init(status(pod, summary), summary.style),
            .init(summary.restartsText(now)), .init(HumanTime.age(pod.metadata.creationTimestamp, now)),
        ]
        if format == .wide {
            row += [
                .init(pod.status.podIP ?? "<none>"), .init(pod.spec.nodeName ?? "<none>"), .init("<none>"),
                .init("<none>"),
            ]
        }
        let labels = pod.metadata.labels
        row += labelColumns.map { .init(labels[$0] ?? "") }
        if showsLabels {
            let text = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
            row.append(.init(text.isEmpty ? "<none>" : text))
        }
        return row
    }
}

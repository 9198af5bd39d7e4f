import Base
import Kube

/// What happened to a pod and when, from its status and its events: finer than v1 Pod tells, whose times are seconds.
public struct PodTimeline: Sendable {
    public struct Entry: Hashable, Sendable {
        public var time: Timestamp
        /// Nil for what concerns the whole pod.
        public var container: String?
        public var message: String
        public var isWarning: Bool
    }

    /// In the order of time.
    public let entries: [Entry]

    /// - Parameter events: those of this pod.
    public init(_ pod: Pod, events: [Event]) {
        var entries: [Entry] = []
        func add(_ time: Timestamp?, _ message: String, container: String? = nil, isWarning: Bool = false) {
            guard let time else { return }
            entries.append(Entry(time: time, container: container, message: message, isWarning: isWarning))
        }
        add(pod.status.startTime, "Manifest accepted")
        for event in events where event.reason != "Started" {
            let container = event.involvedObject.fieldPath.flatMap(Self.container)
            let isWarning = event.type == .warning
            let text = "\(event.reason): \(event.message)"
            add(event.firstTimestamp, text, container: container, isWarning: isWarning)
            if event.count > 1 {
                add(event.lastTimestamp, "\(text) (time \(event.count))", container: container, isWarning: isWarning)
            }
        }
        for condition in pod.status.conditions {
            guard let text = Self.text(condition, pod.status.podIP) else { continue }
            add(condition.lastTransitionTime, text)
        }
        for status in pod.status.allContainerStatuses {
            for state in [status.lastState, status.state].compactMap({ $0 }) {
                switch state {
                case .waiting: break
                case .running(let started): add(started, "Started", container: status.name)
                case .terminated(let end):
                    add(end.startedAt, "Started", container: status.name)
                    let reason = end.reason.map { "\($0), " } ?? ""
                    add(
                        end.finishedAt, "Ended: \(reason)exit code \(end.exitCode)", container: status.name,
                        isWarning: end.exitCode != 0)
                }
            }
        }
        if let deletion = pod.metadata.deletionTimestamp {
            // The time at which the grace period is over.
            let grace = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1_000_000_000
            add(Timestamp(nanoseconds: deletion.nanoseconds - grace), "Asked to end")
        }
        // What has the same time stays in the order of its making.
        self.entries = entries.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element)
    }

    /// `main` of `spec.containers{main}`.
    private static func container(_ fieldPath: String) -> String? {
        guard let open = fieldPath.firstIndex(of: "{"), fieldPath.hasSuffix("}") else { return nil }
        return String(fieldPath[fieldPath.index(after: open)...].dropLast())
    }

    /// The changes of conditions that tell something: where the pod is, and that it is no more.
    private static func text(_ condition: PodCondition, _ address: String?) -> String? {
        switch (condition.type, condition.status) {
        case ("PodReadyToStartContainers", .true): "Sandbox ready" + (address.map { ", address \($0)" } ?? "")
        case ("Initialized", .true): "Initialized"
        case ("Ready", .true): "Ready"
        case ("Ready", .false) where condition.reason == "PodCompleted": "Completed"
        default: nil
        }
    }
}

import Base
import Kube

/// A pod in one line, computed as kubectl does.
struct PodSummary: Equatable {
    var ready: Int
    var total: Int
    /// `Running`, `Init:0/1`, `CrashLoopBackOff` ...
    var status: String
    var restarts: Int
    var lastRestart: Timestamp?

    init(_ pod: Pod) {
        ready = 0
        total = pod.spec.sidecars.count + pod.spec.containers.count
        status = pod.status.reason ?? pod.status.phase?.rawValue ?? PodPhase.unknown.rawValue
        restarts = 0
        let isInitializing = addInitContainers(pod)
        if !isInitializing || Self.isTrue("Initialized", pod) { addContainers(pod) }
        let isOver = pod.status.phase == .succeeded || pod.status.phase == .failed
        if pod.metadata.deletionTimestamp != nil, !isOver { status = "Terminating" }
    }

    /// Looks at the first init container that has not succeeded; false when there is none.
    private mutating func addInitContainers(_ pod: Pod) -> Bool {
        for (n, container) in pod.status.initContainerStatuses.enumerated() {
            count(container)
            if pod.spec.isSidecar(container.name), container.started == true {
                if container.ready { ready += 1 }
                continue
            }
            switch container.state {
            case .terminated(let state) where state.exitCode == 0: continue
            case .terminated(let state): status = "Init:" + Self.reason(state)
            case .waiting(let state):
                if let reason = state.reason, reason != "PodInitializing" {
                    status = "Init:" + reason
                } else {
                    status = "Init:\(n)/\(pod.spec.initContainers.count)"
                }
            case .running: status = "Init:\(n)/\(pod.spec.initContainers.count)"
            }
            return true
        }
        return false
    }

    private mutating func addContainers(_ pod: Pod) {
        restarts = 0
        lastRestart = nil
        for container in pod.status.initContainerStatuses where pod.spec.isSidecar(container.name) { count(container) }
        var hasRunning = false
        for container in pod.status.containerStatuses.reversed() {
            count(container)
            switch container.state {
            case .waiting(let state): status = state.reason ?? status
            case .terminated(let state): status = Self.reason(state)
            case .running where container.ready:
                hasRunning = true
                ready += 1
            case .running: break
            }
        }
        // Some have ended well, others go on.
        if status == "Completed", hasRunning { status = Self.isTrue("Ready", pod) ? "Running" : "NotReady" }
    }

    private mutating func count(_ container: ContainerStatus) {
        restarts += Int(container.restartCount)
        if let finished = container.lastState?.terminated?.finishedAt {
            lastRestart = max(lastRestart ?? finished, finished)
        }
    }

    private static func reason(_ state: ContainerStateTerminated) -> String {
        if let reason = state.reason, !reason.isEmpty { return reason }
        if let signal = state.signal, signal != 0 { return "Signal:\(signal)" }
        return "ExitCode:\(state.exitCode)"
    }

    static func isTrue(_ condition: String, _ pod: Pod) -> Bool {
        pod.status.conditions.contains { $0.type == condition && $0.status == .true }
    }

    var readyText: String { "\(ready)/\(total)" }

    func restartsText(_ now: Timestamp) -> String {
        guard restarts != 0, let lastRestart else { return String(restarts) }
        return "\(restarts) (\(HumanTime.age(lastRestart, now)) ago)"
    }

    /// How the status is shown where there are colours.
    var style: Table.Style {
        switch status {
        case "Running": ready == total ? .good : .waiting
        case "Completed", "Succeeded": .plain
        case "Pending", "ContainerCreating", "PodInitializing", "Terminating", "NotReady": .waiting
        default:
            status.hasPrefix("Init:") && status.dropFirst(5).first?.isWholeNumber == true ? .waiting : .bad
        }
    }
}

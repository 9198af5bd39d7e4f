import Base
import Kube

/// Finds why a pod is not as it should be. Pure: what it is told decides.
struct Diagnosis {
    let evidence: Evidence

    /// What is wrong, the most important first. Never empty.
    var causes: [Cause] {
        var causes = manifestCauses
        guard let pod = evidence.pod else {
            if evidence.isDraining { causes.append(cause("draining", nil, ["the agent has no such pod"])) }
            return causes
        }
        let inner = podCauses(pod)
        causes += inner
        causes += notes(pod)
        if causes.isEmpty { causes.append(cause("running", nil, ["the pod runs"])) }
        return causes
    }

    func cause(_ name: String, _ container: String?, _ chain: [String], said: [String] = []) -> Cause {
        Cause(
            fault: Fault.named(name) ?? Fault(name, .course, name), container: container, chain: chain, said: said)
    }

    // MARK: The manifest

    private var manifestCauses: [Cause] {
        evidence.problems.map { problem in
            let fault = Clue.fault(of: problem.text, among: Clue.problems) ?? Fault.named("manifest-syntax")
            let chain =
                evidence.pod == nil
                ? "its manifest is refused, so that there is no such pod"
                : "its manifest is refused; the pod goes on as it was"
            return cause(fault?.name ?? "manifest-syntax", nil, [chain], said: [problem.text])
        }
    }

    // MARK: The pod

    private func podCauses(_ pod: Pod) -> [Cause] {
        if pod.metadata.deletionTimestamp != nil {
            let since = HumanTime.age(pod.metadata.deletionTimestamp, evidence.now)
            let grace = pod.spec.terminationGracePeriodSeconds
            let name = evidence.isDraining ? "draining" : "terminating"
            return [cause(name, nil, ["the pod was asked to end \(since) ago; it has \(grace)s for it"])]
        }
        if let failure = failureCause(pod) { return [failure] }
        let isInitialised = PodSummary.isTrue("Initialized", pod)
        var causes: [Cause] = []
        let (inits, mains) = (pod.status.initContainerStatuses, pod.status.containerStatuses)
        for status in inits where !status.ready && !(pod.spec.isSidecar(status.name) && status.started == true) {
            causes += containerCauses(pod, status, isInit: true)
            // What follows waits for it.
            if !causes.isEmpty { return causes }
        }
        if isInitialised || inits.isEmpty {
            for status in mains where !status.ready || status.lastState != nil {
                causes += containerCauses(pod, status, isInit: false)
            }
        }
        if causes.isEmpty, let gate = closedGate(pod) { return [gate] }
        // One that has not begun may have been held up by the sandbox.
        if causes.allSatisfy({ $0.fault.name == "starting" }), let sandbox = sandboxCause(pod) { return [sandbox] }
        return causes
    }

    /// Why the pod failed as a whole, whatever its containers did.
    private func failureCause(_ pod: Pod) -> Cause? {
        let faults = [
            "AppArmor": "apparmor-off", "DeadlineExceeded": "deadline-exceeded", "SysctlForbidden": "sysctl-forbidden",
            "OutOfpods": "node-full", "OutOfcpu": "node-full", "OutOfmemory": "node-full",
            "OutOfephemeral-storage": "node-full",
        ]
        guard let reason = pod.status.reason, let fault = faults[reason] else { return nil }
        return cause(fault, nil, ["the pod has failed (\(reason))"], said: pod.status.message.map { [$0] } ?? [])
    }

    private func sandboxCause(_ pod: Pod) -> Cause? {
        if PodSummary.isTrue("PodReadyToStartContainers", pod) { return nil }
        let reasons = ["FailedCreatePodSandBox", "FailedMount"]
        guard let event = evidence.events.last(where: { reasons.contains($0.reason) }) else { return nil }
        let fault = Clue.fault(of: event.message, among: Clue.sandboxes)
        let isMount = event.reason == "FailedMount"
        let count = event.count > 1 ? ", tried \(event.count) times" : ""
        return cause(
            fault?.name ?? (isMount ? "volume" : "sandbox"), nil,
            [isMount ? "its volumes cannot be made ready\(count)" : "its sandbox cannot be made\(count)"],
            said: [event.message])
    }

    // MARK: Containers

    private func containerCauses(_ pod: Pod, _ status: ContainerStatus, isInit: Bool) -> [Cause] {
        let name = status.name
        switch status.state {
        case .running:
            if isInit { return [cause("initializing", name, ["init container \(name) runs"])] }
            if let unready = notReady(pod, status) { return [unready] }
            guard case .terminated(let last)? = status.lastState, let time = last.finishedAt else { return [] }
            // What ended long ago and runs well since is no trouble any more.
            guard evidence.now.nanoseconds - time.nanoseconds < 600 * 1_000_000_000 else { return [] }
            let ago = HumanTime.age(time, evidence.now)
            return [end(pod, name, last, ["container \(name) runs again since its last run ended \(ago) ago"])]
        case .terminated(let state):
            let isOver = pod.status.phase == .succeeded || pod.status.phase == .failed
            if state.exitCode == 0, isInit { return [] }
            return [
                end(pod, name, state, [isOver ? "container \(name) has ended for good" : "container \(name) has ended"])
            ]
        case .waiting(let state):
            let reason = state.reason ?? ""
            if reason == "CrashLoopBackOff", case .terminated(let last)? = status.lastState {
                let times = status.restartCount == 1 ? "once" : "\(status.restartCount) times"
                let wait = state.message.map(Self.firstWords) ?? "waits before its next start"
                return [end(pod, name, last, ["container \(name) was restarted \(times); \(wait) (CrashLoopBackOff)"])]
            }
            if reason == "Stopped" { return [cause("stopped", name, ["container \(name) does not run"])] }
            if ["", "ContainerCreating", "PodInitializing"].contains(reason) {
                return [cause("starting", name, ["container \(name) has not started yet"])]
            }
            let text = reason + " " + (state.message ?? "")
            let fault = Clue.fault(of: text, among: Clue.starts)
            return [
                cause(fault?.name ?? "start", name, ["container \(name) waits (\(reason))"], said: said(state.message))
            ]
        }
    }

    private func said(_ message: String?) -> [String] { message.map { $0.isEmpty ? [] : [$0] } ?? [] }

    /// `back-off 10s` of the kubelet's sentence.
    private static func firstWords(_ message: String) -> String {
        let words = message.split(separator: " ").prefix(2)
        return words.first == "back-off" ? "waits \(words.last ?? "") before its next start" : message
    }

    private func end(_ pod: Pod, _ name: String, _ state: ContainerStateTerminated, _ chain: [String]) -> Cause {
        var chain = chain
        if state.reason == "StartError" {
            let text = state.message ?? ""
            let fault = Clue.fault(of: text, among: Clue.starts)
            return cause(fault?.name ?? "start", name, chain + ["its program could not be started"], said: said(text))
        }
        chain.append("its last run " + Self.describe(state))
        if state.reason == "OOMKilled" { return cause("out-of-memory", name, chain) }
        if let ended = endedByProbe(name, state, chain) { return ended }
        if state.reason == "ContainerStatusUnknown" {
            return cause("supervisor-lost", name, chain, said: said(state.message))
        }
        if state.exitCode == 0 {
            return cause(pod.spec.restartPolicy == .always ? "completed-restarts" : "completed", name, chain)
        }
        let output = evidence.output[name] ?? []
        if let found = signal(state).flatMap(Self.fault(ofSignal:)) {
            return cause(found, name, chain, said: Array(output.suffix(3)))
        }
        // The last line that says something counts: what came before was perhaps got over.
        for line in output.reversed() {
            if let fault = Clue.fault(of: line, among: Clue.output) {
                return cause(fault.name, name, chain, said: [line])
            }
        }
        switch state.exitCode {
        case 126: return cause("command-not-executable", name, chain, said: output.suffix(3))
        case 127: return cause("command-not-found", name, chain, said: output.suffix(3))
        default: return cause("exit-code", name, chain, said: output.suffix(5))
        }
    }

    private static func describe(_ state: ContainerStateTerminated) -> String {
        var text = "ended with exit code \(state.exitCode)"
        if let signal = state.signal, signal > 0 { text += " (signal \(signal)\(Self.name(ofSignal: signal)))" }
        if let start = state.startedAt, let finish = state.finishedAt {
            text += " after " + HumanTime.duration(seconds: (finish.nanoseconds - start.nanoseconds) / 1_000_000_000)
        }
        return text
    }

    /// The signal that ended it; a shell tells of its child's by 128 and the number.
    private func signal(_ state: ContainerStateTerminated) -> Int32? {
        if let signal = state.signal, signal > 0 { return signal }
        return (129...192).contains(state.exitCode) ? state.exitCode - 128 : nil
    }

    private static func fault(ofSignal signal: Int32) -> String? {
        switch signal {
        case 31: "system-call-denied"
        case 4, 6, 7, 8, 11: "program-crashed"
        case 9: "killed"
        case 1, 2, 15: "terminated"
        default: nil
        }
    }

    private static func name(ofSignal signal: Int32) -> String {
        let names: [Int32: String] = [
            1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 11: "SEGV",
            13: "PIPE", 15: "TERM", 24: "XCPU", 25: "XFSZ", 31: "SYS",
        ]
        return names[signal].map { ", SIG" + $0 } ?? ""
    }

    // MARK: Beside it

    /// What may be behind a trouble though no container says so.
    private func notes(_ pod: Pod) -> [Cause] {
        var causes: [Cause] = []
        for (reason, fault, words) in [
            ("ForwardingBlocked", "network-blocked", "the pod may not reach others"),
            ("LimitsNotEnforced", "limits-not-enforced", "not all of the pod's limits hold"),
        ] {
            guard let event = evidence.events.last(where: { $0.reason == reason }) else { continue }
            causes.append(cause(fault, nil, [words], said: [event.message]))
        }
        return causes
    }
}

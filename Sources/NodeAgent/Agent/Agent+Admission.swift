import Base
import Kube
import PodSources

/// Which pods the node has room for.
extension Agent {
    /// The pods that hold what they request: those that were taken and have not ended for good.
    private var holding: [PodSpec] {
        everyWorker.filter { !$0.isFinished && $0.machine.rejection == nil }.map(\.pod.spec)
    }

    /// Why a pod that is to begin has no room; nil when it has.
    func refusal(of pod: Pod) -> PodRejection? { admission?.refusal(of: pod.spec, beside: holding) }

    /// Begins pods anew that had no room and now have: the most important first, then the oldest.
    func takeRefused() {
        guard let admission else { return }
        let refused = workers.values.filter { $0.machine.rejection?.isForRoom == true && $0.stopRequested == nil }
        if refused.isEmpty { return }
        var holding = self.holding
        for worker in refused.sorted(by: { $0.rank < $1.rank })
        where admission.refusal(of: worker.pod.spec, beside: holding) == nil {
            holding.append(worker.pod.spec)
            worker.stop(message: "there is room for it now")
        }
    }

    /// The order in which pods are begun: the most important first.
    func isFirst(_ a: PodKey, _ b: PodKey) -> Bool {
        func priority(_ key: PodKey) -> Int64 { Int64(wanted[key]?.manifest.pod.spec.startPriority ?? 0) }
        return (-priority(a), a) < (-priority(b), b)
    }
}

extension PodWorker {
    /// Who comes first where there is not room for all: the smallest.
    fileprivate var rank: (Int64, Int64, PodKey) { (-Int64(pod.spec.startPriority), startTime.nanoseconds, key) }
}

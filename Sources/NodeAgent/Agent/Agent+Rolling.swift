import Base
import Kube
import PodSources

/// Instances that give way to the next while they run (`PodReplacement`): the next one begins beside the one that is
/// there and takes its place when it is ready; until then it is nobody's pod.
extension Agent {
    /// Every instance: those that are their pods, and those beside them.
    var everyWorker: [PodWorker] { Array(workers.values) + aside.values }

    func successor(of key: PodKey) -> PodWorker? {
        aside.values.first { $0.key == key && $0.isSuccessor && $0.stopRequested == nil }
    }

    /// A worker's manifest asks for another instance.
    func replace(_ worker: PodWorker, by manifest: ManifestPod) {
        let replacement = PodReplacement(manifest.pod.metadata.annotations)
        guard replacement.isRolling, worker.machine.stage == .running, worker === workers[worker.key] else {
            return worker.stop(message: "its manifest changed")
        }
        guard let next = start(manifest, source: worker.source, restoring: nil, beside: true),
            // Refused at once, it has been given up already.
            next.stopRequested == nil
        else { return }
        worker.onNote(
            worker,
            EventNote("Replacing", "Its manifest changed: the next instance (\(next.uid)) begins beside it"))
        deadlines[next.uid] = loop.schedule(after: .seconds(replacement.progressDeadline)) { [unowned self] in
            giveUp(
                next, "it was not ready within \(replacement.progressDeadline) s (\(PodReplacement.deadlineAnnotation))"
            )
        }
        follow(next)
    }

    /// Looks whether an instance that stands aside is to become its pod.
    func follow(_ next: PodWorker) {
        // One of an earlier agent is on its way to its end, and what it says may be of before.
        guard next.isSuccessor, !next.isRestored, next.stopRequested == nil, aside[next.uid] === next else { return }
        if let rejection = next.machine.rejection { return giveUp(next, rejection.message) }
        let status = self.status.status(of: next)
        if status.phase == .failed {
            return giveUp(next, "it failed: \(status.message ?? status.reason ?? "see its events")")
        }
        let isReady = status.conditions.contains { $0.type == "Ready" && $0.status == .true }
        if isReady || status.phase == .succeeded { promote(next, "its next instance is ready") }
    }

    /// Makes the successor the pod. The instance that was it ends.
    func promote(_ next: PodWorker, _ message: String) {
        if let timer = deadlines.removeValue(forKey: next.uid) { loop.cancel(timer) }
        aside[next.uid] = nil
        next.isSuccessor = false
        next.save()
        let old = workers[next.key]
        workers[next.key] = next
        if let old {
            aside[old.uid] = old
            publish(.deleted, old)
        }
        publish(.added, next)
        log.info("pod \(next.key): instance \(next.uid) takes its place")
        old?.stop(message: message)
    }

    /// Ends a successor that does not come to be ready: the instance that is there goes on, until the manifest changes
    /// again.
    func giveUp(_ next: PodWorker, _ why: String) {
        guard next.isSuccessor, next.stopRequested == nil else { return }
        if let timer = deadlines.removeValue(forKey: next.uid) { loop.cancel(timer) }
        rolledBack[next.key] = (next.manifest.value, why)
        if let worker = workers[next.key] {
            worker.onNote(
                worker,
                EventNote(
                    "RolledBack", "It goes on as it was, its next instance is given up: \(why)", warning: true))
        }
        next.stop(message: "it was given up: \(why)")
    }

    /// Ends a successor that is not wanted any more.
    func dismiss(_ next: PodWorker, _ message: String) {
        if let timer = deadlines.removeValue(forKey: next.uid) { loop.cancel(timer) }
        next.stop(message: message)
    }

    /// Manifests whose pods run as they were before.
    var rollBackProblems: [ManifestProblem] {
        rolledBack.sorted { $0.key < $1.key }.compactMap { key, given in
            workers[key].map {
                ManifestProblem(
                    path: $0.source,
                    message:
                        "pod \(key) goes on as it was: the instance of the new manifest was given up, \(given.why); "
                        + "edit the manifest to try again")
            }
        }
    }
}

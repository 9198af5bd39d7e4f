import Base
import Kube

/// Containers whose end begins the whole pod anew, in the sandbox that it has: the kubelet's `RestartAllContainers`.
///
/// What runs is killed; each container then waits with a reason of its own until nothing runs, and all begin from the
/// first init container on. `isRestartingAll` is on record: the next agent goes on with it.
extension PodMachine {
    /// The kubelet's reason of a container that waits for the others to end.
    static let restartingAll = "RestartingAllContainers"
    /// How long nothing runs between two lives of a pod, so that one that ends at once does not take up the machine.
    static let restPause = Nanoseconds.seconds(1)

    /// Whether a run that ended with `exitCode` begins all containers again.
    func restartsAll(_ record: ContainerRecord, after exitCode: Int32) -> Bool {
        // An init container that ended well has done its work.
        !(record.isInit && exitCode == 0)
            && plan.entry(record.name)?.restartRules.action(after: exitCode) == .restartAllContainers
    }

    /// Ends all containers because this one has ended.
    mutating func restartAll(_ cause: Int, _ now: BootInstant) -> [PodDirective] {
        isRestartingAll = true
        let message = "Container \(containers[cause].name) ended: all containers of the pod are started again"
        var directives: [PodDirective] = []
        for i in containers.indices {
            let name = containers[i].name
            guard containers[i].isLive else {
                rest(i)
                continue
            }
            directives.append(.record(EventNote("Killing", message, container: name)))
            directives.append(
                containers[i].isRunning ? .killContainer(container: name) : .giveUpStart(container: name))
        }
        if case .waiting(nil, _) = containers[cause].state {
            containers[cause].state = .waiting(reason: Self.restartingAll, message: message)
        }
        return directives + advance(now)
    }

    /// What follows the end of a container while all are to begin again, whatever else was asked of it; nil otherwise.
    mutating func endedForAll(_ i: Int, _ now: BootInstant) -> [PodDirective]? {
        guard isRestartingAll else { return nil }
        stoppedByOperator.remove(containers[i].name)
        containers[i].mustRunAgain = false
        rest(i)
        return advance(now)
    }

    /// While all are to begin again nothing begins before everything has ended.
    mutating func awaitRest() -> [PodDirective] {
        for i in containers.indices {
            guard case .waiting(nil, _) = containers[i].state else { continue }
            containers[i].state = .waiting(reason: Self.restartingAll, message: nil)
        }
        guard !containers.contains(where: \.isLive), let first = containers.first else { return [] }
        return [.arm(.restart(container: first.name), after: Self.restPause)]
    }

    /// Begins the pod's containers from the first on, once nothing of them runs.
    mutating func beginAllAgain(_ now: BootInstant) -> [PodDirective] {
        guard stage == .running, !containers.contains(where: \.isLive) else { return [] }
        isRestartingAll = false
        for i in containers.indices where containers[i].waitsForAll {
            containers[i].state = .waiting(reason: nil, message: nil)
            containers[i].heldUntil = nil
        }
        begunHere = []
        return advance(now)
    }
}

extension ContainerRecord {
    /// It begins again together with all others.
    var waitsForAll: Bool { if case .waiting(PodMachine.restartingAll, _) = state { true } else { false } }
}

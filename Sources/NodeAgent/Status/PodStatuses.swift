import Base
import Kube
import PodRuntime

/// The statuses of this node's pods, each computed with the one before it in hand.
@LoopActor
public final class PodStatuses: PodStatusSource {
    private let facts: NodeFacts
    private var last: [String: PodStatus] = [:]

    public init(facts: NodeFacts) { self.facts = facts }

    public var nodeName: String { facts.name }

    public func status(of worker: PodWorker) -> PodStatus {
        var builder = PodStatusBuilder(
            pod: worker.pod, records: worker.machine.containers, isSandboxReady: worker.hasSandbox,
            startTime: worker.startTime, nodeAddresses: facts.addresses, podAddresses: worker.addresses)
        builder.ephemeral = worker.machine.ephemeral
        builder.isGoingOn = worker.machine.isGoingOn
        builder.isRestartingAll = worker.machine.isRestartingAll
        builder.failure = worker.machine.toldFailure
        builder.rejection = worker.machine.rejection
        builder.others = worker.conditions
        let status = builder.status(previous: last[worker.uid], now: .now)
        last[worker.uid] = status
        return status
    }

    public func forget(_ uid: String) { last[uid] = nil }
}

extension PodMachine {
    /// A container that has run is about to run again.
    var isGoingOn: Bool {
        guard stage == .preparing || stage == .running else { return false }
        return isRestartingAll
            || containers.contains { container in
                switch container.state {
                case .waiting(nil, _), .starting: container.hasBegun
                default: false
                }
            }
    }

    /// The pod's namespaces and volumes are there.
    var hasSandbox: Bool {
        switch stage {
        case .running, .terminating: true
        case .preparing, .tearingDown, .finished, .gone: false
        }
    }
}

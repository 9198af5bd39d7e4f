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
        let builder = PodStatusBuilder(
            pod: worker.pod, records: worker.machine.containers, isSandboxReady: worker.machine.hasSandbox,
            startTime: worker.startTime, nodeAddresses: facts.addresses)
        let status = builder.status(previous: last[worker.uid], now: .now)
        last[worker.uid] = status
        return status
    }

    public func forget(_ uid: String) { last[uid] = nil }
}

extension PodMachine {
    /// The pod's namespaces and volumes are there.
    var hasSandbox: Bool {
        switch stage {
        case .running, .terminating: true
        case .preparing, .tearingDown, .finished, .gone: false
        }
    }
}

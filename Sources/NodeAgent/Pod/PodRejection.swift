import Base

/// Why this node does not run a pod at all, as the kubelet's admission says it: the pod has failed with this reason.
public struct PodRejection: Error, Hashable, Sendable {
    /// `SysctlForbidden`, `OutOfcpu`.
    public var reason: String
    /// The event's; the status has `Pod was rejected: ` before it.
    public var message: String
    /// It is for want of room: the pod may be taken when others have ended.
    public var isForRoom: Bool

    public init(reason: String, message: String, isForRoom: Bool = false) {
        self.reason = reason
        self.message = message
        self.isForRoom = isForRoom
    }
}

extension PodMachine {
    /// Nothing of it runs, now or later. The next agent judges it anew: its configuration may be another.
    mutating func onRejected(_ rejection: PodRejection, _ now: BootInstant) -> [PodDirective] {
        guard stage == .preparing else { return [] }
        let note = PodDirective.record(EventNote(rejection.reason, rejection.message, warning: true))
        if pendingStop != nil { return [note] + tearDownAfterEnd() }
        self.rejection = rejection
        return [note] + finish(now)
    }
}

import Kube

/// Which pod has a claim whose volume one pod at a time may use.
@LoopActor
public final class ClaimUses {
    private var users: [DataObject.Key: String] = [:]

    /// Called when such a claim may be had again.
    public var onRelease: (DataObject.Key) -> Void = { _ in }

    init() {}

    /// - Returns: false when another pod has it.
    func take(_ claim: DataObject.Key, for uid: String) -> Bool {
        if let user = users[claim] { return user == uid }
        users[claim] = uid
        return true
    }

    func release(_ uid: String) {
        let released = users.filter { $0.value == uid }.keys
        for claim in released { users[claim] = nil }
        for claim in released.sorted() { onRelease(claim) }
    }
}

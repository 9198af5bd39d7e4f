import Base

extension Agent {
    /// Ends every pod of the earlier agent within its grace period and releases what it holds. The records stay, so
    /// that the next agent runs the pods again as the same instances. Nothing is started. Called once, after `restore`.
    ///
    /// - Parameter completion: called when nothing of any pod is left but its files.
    public func suspend(_ completion: @escaping () -> Void) {
        isDraining = true
        let earlier = restorable.values
        restorable = [:]
        for (record, manifest) in earlier { start(manifest, source: record.source, restoring: record) }
        endSuperseded()
        let all = everyWorker
        guard !all.isEmpty else { return loop.enqueue(completion) }
        drainWaiters.append(completion)
        for worker in all where worker.stopRequested == nil { worker.suspend(message: "the node stops its pods") }
    }
}

import Base

/// The statuses that wait to be sent, oldest first. A value: it decides what is sent next and what gives way when there
/// is too much.
///
/// Beyond the limit the newest status of each instance stays, and with it every final one. Only beyond four times the
/// limit the final status of an instance gives way when a later instance of the same pod has told more.
struct StatusQueue {
    struct Entry: Hashable, Sendable {
        /// Their order.
        var sequence: UInt64
        /// The instance.
        var uid: String
        /// Namespace and name, as a number.
        var pod: UInt64
        /// The last word on the instance.
        var isFinal: Bool
        var bytes: Int
    }

    struct Limits: Sendable {
        var entries = 1000
        var bytes = 16 << 20
    }

    /// After how long a status that the server refused for itself is offered again.
    static let refusalDelay = Nanoseconds.seconds(600)

    private let limits: Limits
    private(set) var entries: [Entry] = []
    private(set) var bytes = 0
    private var nextSequence: UInt64 = 1
    /// Instances whose newest status was refused, and until when it rests.
    private var resting: [String: BootInstant] = [:]
    /// Pods of which a status is done with, but may still be on disk (the last one): an agent that begins now would
    /// send it, so nothing later may have been sent.
    private var settling: [UInt64: UInt64] = [:]
    /// Statuses that gave way.
    private(set) var dropped = 0

    /// - Parameter entries: of an earlier run.
    init(_ entries: [Entry] = [], limits: Limits = Limits()) {
        self.limits = limits
        self.entries = entries.sorted { $0.sequence < $1.sequence }
        bytes = entries.reduce(0) { $0 + $1.bytes }
        nextSequence = (self.entries.last?.sequence ?? 0) + 1
    }

    /// Adds the newest status of an instance.
    ///
    /// - Parameter sending: the entry that is being sent, which stays.
    /// - Returns: what was added, and what gave way to it; these settle, in their order.
    mutating func add(
        uid: String, pod: UInt64, isFinal: Bool, bytes count: Int, sending: UInt64? = nil
    ) -> (added: Entry, gone: [Entry]) {
        let entry = Entry(sequence: nextSequence, uid: uid, pod: pod, isFinal: isFinal, bytes: count)
        nextSequence += 1
        entries.append(entry)
        bytes += count
        var gone: [Entry] = []
        if resting.removeValue(forKey: uid) != nil {
            // What the server would not have is history now.
            gone += remove { $0.uid == uid && $0.sequence < entry.sequence && $0.sequence != sending }
        }
        if isOver(1) { gone += makeRoom(sending) }
        for entry in gone { settling[entry.pod] = entry.sequence }
        dropped += gone.count
        return (entry, gone)
    }

    private func isOver(_ factor: Int) -> Bool {
        entries.count > limits.entries * factor || bytes > limits.bytes * factor
    }

    private mutating func makeRoom(_ sending: UInt64?) -> [Entry] {
        var newest: [String: UInt64] = [:]
        for entry in entries { newest[entry.uid] = entry.sequence }
        var gone = removeWhile(1) { newest[$0.uid] != $0.sequence && $0.sequence != sending }
        guard isOver(4) else { return gone }
        var last: [UInt64: UInt64] = [:]
        for entry in entries { last[entry.pod] = entry.sequence }
        gone += removeWhile(4) { last[$0.pod] != $0.sequence && $0.sequence != sending }
        return gone
    }

    /// Removes what may go, oldest first, until the limit holds.
    private mutating func removeWhile(_ factor: Int, _ mayGo: (Entry) -> Bool) -> [Entry] {
        var gone: [Entry] = []
        var kept: [Entry] = []
        var count = entries.count
        for entry in entries {
            if count > limits.entries * factor || bytes > limits.bytes * factor, mayGo(entry) {
                gone.append(entry)
                count -= 1
                bytes -= entry.bytes
            } else {
                kept.append(entry)
            }
        }
        entries = kept
        return gone
    }

    private mutating func remove(_ mustGo: (Entry) -> Bool) -> [Entry] {
        let gone = entries.filter(mustGo)
        entries.removeAll(where: mustGo)
        bytes -= gone.reduce(0) { $0 + $1.bytes }
        return gone
    }

    /// What is to be sent now: the oldest status of an instance that does not rest and of a pod that does not settle.
    func next(now: BootInstant) -> Entry? {
        entries.first { entry in settling[entry.pod] == nil && (resting[entry.uid].map { $0 <= now } ?? true) }
    }

    /// When `next` has something again; nil when it has now, or only with a new status.
    func nextRest(now: BootInstant) -> BootInstant? {
        guard next(now: now) == nil else { return nil }
        return entries.compactMap { resting[$0.uid] }.min()
    }

    /// The server has it, or it is of no use. Its pod settles until `settled`.
    mutating func remove(_ sequence: UInt64) {
        guard let index = entries.firstIndex(where: { $0.sequence == sequence }) else { return }
        bytes -= entries[index].bytes
        resting[entries[index].uid] = nil
        settling[entries[index].pod] = sequence
        entries.remove(at: index)
    }

    /// The status is off the disk.
    mutating func settled(_ entry: Entry) {
        if settling[entry.pod] == entry.sequence { settling[entry.pod] = nil }
    }

    /// The server will not have this status, though it takes others. One that has been overtaken goes; the newest of an
    /// instance is offered again, slowly.
    ///
    /// - Returns: whether it goes.
    mutating func refused(_ entry: Entry, now: BootInstant) -> Bool {
        guard entries.contains(where: { $0.uid == entry.uid && $0.sequence > entry.sequence }) else {
            resting[entry.uid] = now + Self.refusalDelay
            return false
        }
        remove(entry.sequence)
        dropped += 1
        return true
    }
}

import Base
import JSON

/// The pod records on disk, one file an instance. Writes happen on the pool, one at a time for each instance; while
/// one is under way only the newest state waits, so that a burst of changes costs two writes.
@LoopActor
public final class PodRecordStore {
    private struct Slot {
        var waiting: PodRecord?
        var isWriting = false
        var written: PodRecord?
        /// What the last write failed to write.
        var unwritten: PodRecord?
        var waiters: [CheckedContinuation<Void, any Error>] = []
    }

    private let folder: String
    private let pool: BlockingPool
    private let log: Log
    private var slots: [String: Slot] = [:]

    /// - Parameter folder: `/var/lib/swiftlet/state/pods`; it exists.
    public init(folder: String, pool: BlockingPool, log: Log) {
        self.folder = folder
        self.pool = pool
        self.log = log
    }

    /// All records, and what cannot be used as one, which stays where it is.
    public func load() throws(SystemError) -> (records: [PodRecord], unusable: [UnusableRecord]) {
        var records: [PodRecord] = []
        var unusable: [UnusableRecord] = []
        for name in try Files.list(folder) {
            let path = Path.join(folder, name)
            // A write that an agent did not live to end: the file it was to replace is whole.
            if name.hasSuffix(".json.new") { try Files.remove(path) }
            guard name.hasSuffix(".json") else { continue }
            let uid = String(name.dropLast(5))
            var value: JSONValue?
            var isCutOff = false
            do {
                let bytes = try Files.read(path)
                // Only the first write goes to the file itself; a power cut leaves its name, a part, or empty blocks.
                isCutOff = bytes.last != UInt8(ascii: "}")
                let found = try JSONParser.parse(bytes)
                value = found
                let record = try PodRecord(found)
                guard record.uid == uid else { throw JSONError("it is of the pod \(record.uid)", at: .none) }
                records.append(record)
            } catch {
                unusable.append(
                    UnusableRecord(
                        uid: uid, path: path, key: UnusableRecord.key(ofManifest: value?["manifest"]),
                        isNewer: (value?["schema"]?.integerValue ?? 0) > PodRecord.schema, isCutOff: isCutOff,
                        reason: "\(error)"))
            }
        }
        return (records, unusable)
    }

    /// Makes `record` the one on disk, soon.
    func save(_ record: PodRecord) {
        guard slots[record.uid]?.written != record || slots[record.uid]?.waiting != nil else { return }
        slots[record.uid, default: Slot()].waiting = record
        write(record.uid)
    }

    /// Returns when what was saved of `uid` is on disk. What could not be written is tried again.
    func flush(_ uid: String) async throws {
        guard let slot = slots[uid] else { return }
        if !slot.isWriting, slot.waiting == nil {
            guard let unwritten = slot.unwritten else { return }
            slots[uid]?.waiting = unwritten
            write(uid)
        }
        try await withCheckedThrowingContinuation { slots[uid]?.waiters.append($0) }
    }

    func remove(_ uid: String) {
        slots[uid]?.waiting = nil
        guard slots[uid]?.isWriting != true else {
            // Removed when the write that is under way has ended.
            slots[uid]?.written = nil
            removed.insert(uid)
            return
        }
        slots[uid] = nil
        let path = path(uid)
        pool.submit { [log] in
            do { try Files.remove(path) } catch { log.error("pod record \(path): \(error)") }
        }
    }
    private var removed: Set<String> = []

    /// The file of an instance's record.
    func path(_ uid: String) -> String { Path.join(folder, uid + ".json") }

    private func write(_ uid: String) {
        guard var slot = slots[uid], !slot.isWriting, let record = slot.waiting else { return }
        slot.isWriting = true
        slot.waiting = nil
        slots[uid] = slot
        let path = path(uid)
        Task {
            var failure: SystemError?
            do {
                let bytes = JSONWriter().bytes(record.json)
                try await pool.run {
                    // Between a manifest and its pod's start stands one barrier: nothing of a new pod runs before its
                    // record is whole, so a part of one is no loss.
                    if !Files.exists(path) { return try Files.createDurably(path, with: bytes) }
                    try Files.replace(path, with: bytes, mode: 0o600, durable: true)
                }
            } catch {
                failure = error as? SystemError
                log.error("pod record \(path): \(error)")
            }
            finishWrite(uid, record, failure)
        }
    }

    private func finishWrite(_ uid: String, _ record: PodRecord, _ failure: SystemError?) {
        slots[uid]?.isWriting = false
        if removed.remove(uid) != nil {
            let waiters = slots[uid]?.waiters ?? []
            remove(uid)
            for waiter in waiters { waiter.resume() }
            return
        }
        slots[uid]?.written = failure == nil ? record : nil
        slots[uid]?.unwritten = failure == nil ? nil : record
        if slots[uid]?.waiting != nil { return write(uid) }
        let waiters = slots[uid]?.waiters ?? []
        slots[uid]?.waiters = []
        for waiter in waiters {
            if let failure { waiter.resume(throwing: failure) } else { waiter.resume() }
        }
    }
}

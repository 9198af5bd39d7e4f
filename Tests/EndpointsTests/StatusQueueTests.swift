import Base
import HTTP
import HTTPClient
import TestSupport
import Testing

@testable import Endpoints

@Suite struct StatusQueueTests {
    let now = BootInstant(nanoseconds: 1_000_000_000)

    /// Adds a status and gives the sequences of what gave way.
    @discardableResult
    func add(_ queue: inout StatusQueue, _ uid: String, final: Bool = false, pod: UInt64 = 0, sending: UInt64? = nil)
        -> [UInt64]
    {
        queue.add(uid: uid, pod: pod, isFinal: final, bytes: 10, sending: sending).gone.map(\.sequence)
    }

    /// The server has it, and it is off the disk.
    func finish(_ queue: inout StatusQueue, _ entry: StatusQueue.Entry) {
        queue.remove(entry.sequence)
        queue.settled(entry)
    }

    func sequences(_ queue: StatusQueue) -> [UInt64] { queue.entries.map(\.sequence) }

    @Test func whatHappenedFirstIsSentFirst() {
        var queue = StatusQueue()
        for uid in ["a", "b", "a"] { add(&queue, uid) }
        var sent: [String] = []
        while let entry = queue.next(now: now) {
            sent.append("\(entry.uid)\(entry.sequence)")
            finish(&queue, entry)
        }
        #expect(sent == ["a1", "b2", "a3"])
        #expect(queue.bytes == 0)
    }

    @Test func aNewAgentGoesOnCounting() {
        var old = StatusQueue()
        for uid in ["a", "b"] { add(&old, uid) }
        var queue = StatusQueue(old.entries.reversed())
        #expect(queue.bytes == 20)
        add(&queue, "a")
        #expect(sequences(queue) == [1, 2, 3])
    }

    @Test func whenFullTheNewestOfEachInstanceStays() {
        var queue = StatusQueue(limits: .init(entries: 4, bytes: 1000))
        for uid in ["a", "a", "b", "a"] { add(&queue, uid) }
        #expect(add(&queue, "c") == [1])
        #expect(add(&queue, "d", sending: 2) == [], "what is being sent stays, and nothing else is overtaken")
        #expect(sequences(queue) == [2, 3, 4, 5, 6])
        #expect(add(&queue, "e") == [2])
        #expect(add(&queue, "f") == [], "each has one")
        #expect(queue.dropped == 2)
    }

    @Test func itsBytesAreBoundedToo() {
        var queue = StatusQueue(limits: .init(entries: 100, bytes: 35))
        for uid in ["a", "a", "b"] { add(&queue, uid) }
        #expect(add(&queue, "c") == [1])
        #expect(queue.bytes == 30)
    }

    @Test func aFinalStatusStaysThoughItIsFull() {
        var queue = StatusQueue(limits: .init(entries: 2, bytes: 1000))
        for n in 0..<6 { add(&queue, "u\(n)", final: true, pod: 7) }
        #expect(queue.entries.count == 6)
        // Far beyond the limit those go of which the same pod has a later instance.
        for n in 6..<9 { add(&queue, "u\(n)", final: true, pod: 7) }
        add(&queue, "other", final: true, pod: 8)
        #expect(queue.entries.count == 8)
        #expect(sequences(queue) == Array(3...10))
    }

    @Test func aRefusedStatusRestsAndANewerOneTakesItsPlace() throws {
        var queue = StatusQueue()
        for uid in ["a", "a", "b"] { add(&queue, uid) }
        let first = try #require(queue.next(now: now))
        let goes = queue.refused(first, now: now)
        queue.settled(first)
        #expect(goes, "it has been overtaken")
        let second = try #require(queue.next(now: now))
        #expect(second.sequence == 2)
        let newestGoes = queue.refused(second, now: now)
        #expect(!newestGoes, "it is the newest")
        let other = try #require(queue.next(now: now))
        #expect(other.uid == "b", "the others do not wait for it")
        finish(&queue, other)
        #expect(queue.next(now: now) == nil)
        let end = now + StatusQueue.refusalDelay
        #expect(queue.nextRest(now: now) == end)
        #expect(queue.next(now: end)?.sequence == 2 && queue.nextRest(now: end) == nil)
        #expect(add(&queue, "a") == [2])
        queue.settled(second)
        #expect(queue.next(now: now)?.sequence == 4, "a newer one is offered at once")
    }

    @Test func nothingIsSentOfAPodWhoseLastStatusMayStillBeOnDisk() throws {
        var queue = StatusQueue()
        add(&queue, "a", pod: 1)
        add(&queue, "a", pod: 1)
        add(&queue, "b", pod: 2)
        let first = try #require(queue.next(now: now))
        queue.remove(first.sequence)
        #expect(queue.next(now: now)?.uid == "b", "other pods do not wait")
        queue.settled(first)
        #expect(queue.next(now: now)?.sequence == 2)
    }

    /// An agent may be killed at any moment: what the next one sends is at most the last status once more.
    @Test func noKillBringsAnOlderStatusAfterANewerOne() {
        for seed in 0..<2000 as Range<UInt64> {
            var random = SplitMix(seed)
            var queue = StatusQueue(limits: .init(entries: 6, bytes: 1 << 40))
            var disk: [StatusQueue.Entry] = []
            var removals: [StatusQueue.Entry] = []
            // A new agent may count anew: what tells statuses apart is their length.
            var length = 0
            var told: [UInt64: Int] = [:]
            for _ in 0..<80 {
                switch random.next(6) {
                case 0, 1:
                    let pod = random.next(3)
                    length += 1
                    let (added, gone) = queue.add(uid: "u\(pod)", pod: UInt64(pod), isFinal: false, bytes: length)
                    disk.append(added)
                    removals += gone
                case 2, 3:
                    guard let entry = queue.next(now: now) else { continue }
                    #expect(told[entry.pod] ?? 0 <= entry.bytes, "seed \(seed): out of order")
                    told[entry.pod] = entry.bytes
                    queue.remove(entry.sequence)
                    removals.append(entry)
                case 4:
                    guard !removals.isEmpty else { continue }
                    let entry = removals.removeFirst()
                    disk.removeAll { $0 == entry }
                    queue.settled(entry)
                default:
                    guard random.next(5) == 0 else { continue }
                    queue = StatusQueue(disk, limits: .init(entries: 6, bytes: 1 << 40))
                    removals = []
                }
            }
        }
    }

    /// Whatever comes, the newest status of each instance is there until it is taken, and the order of each holds.
    @Test func noScheduleLosesTheNewestStatusOfAnInstance() {
        for seed in 0..<2000 as Range<UInt64> {
            var random = SplitMix(seed)
            var queue = StatusQueue(limits: .init(entries: 5, bytes: 80))
            var newest: [String: UInt64] = [:]
            var taken: [String: UInt64] = [:]
            var time = now
            for _ in 0..<60 {
                let entry = queue.next(now: time)
                switch random.next(4) {
                case 0, 1:
                    let uid = "u\(random.next(4))"
                    let (added, gone) = queue.add(uid: uid, pod: 0, isFinal: false, bytes: 10, sending: nil)
                    newest[uid] = added.sequence
                    for entry in gone { queue.settled(entry) }
                case 2:
                    guard let entry else { continue }
                    #expect(taken[entry.uid] ?? 0 < entry.sequence, "seed \(seed): out of order")
                    taken[entry.uid] = entry.sequence
                    finish(&queue, entry)
                default:
                    guard let entry else { continue }
                    if queue.refused(entry, now: time) { queue.settled(entry) }
                    time = time + .seconds(300)
                }
                for (uid, sequence) in newest where taken[uid] ?? 0 < sequence {
                    #expect(queue.entries.contains { $0.sequence == sequence }, "seed \(seed): lost \(uid)")
                }
                #expect(queue.entries.count <= 6)
            }
        }
    }
}

@Suite struct StatusStoreTests {
    @Test func whatIsStoredIsFoundByTheNextAgent() throws {
        let scratch = try TemporaryDirectory()
        let store = StatusStore(folder: scratch.path + "/status")
        #expect(try store.load().isEmpty)
        var queue = StatusQueue()
        let a = queue.add(uid: "u-1", pod: 255, isFinal: false, bytes: 3).added
        let b = queue.add(uid: "u-2", pod: .max, isFinal: true, bytes: 3).added
        #expect(store.perform([.write(a, Array("{}\n".utf8)), .write(b, Array("{}\n".utf8))]).isEmpty)
        #expect(try store.load() == [a, b])
        #expect(store.read(b) == Array("{}\n".utf8))
        #expect(store.perform([.remove(a)]).isEmpty)
        #expect(try store.load() == [b])
        #expect(store.read(a) == nil)
    }

    @Test func aStatusThatWasNotWrittenToItsEndIsNone() throws {
        let scratch = try TemporaryDirectory()
        let store = StatusStore(folder: scratch.path)
        var queue = StatusQueue()
        for text in ["", "{", "{\"kind\":"] {
            let entry = queue.add(uid: "u", pod: 0, isFinal: false, bytes: text.utf8.count).added
            #expect(store.perform([.write(entry, Array(text.utf8))]).isEmpty)
            #expect(store.read(entry) == nil)
        }
    }

    @Test func foreignFilesAreLeftAlone() throws {
        let scratch = try TemporaryDirectory()
        for name in ["x", "1.2.3.4", "a.b.c.final", ".x.y.z.status"] { try scratch.write(name, "x") }
        #expect(try StatusStore(folder: scratch.path).load().isEmpty)
    }

    @Test func whatCannotBeWrittenIsSaid() throws {
        let store = StatusStore(folder: "/proc/no-such-folder")
        var queue = StatusQueue()
        let entry = queue.add(uid: "u", pod: 0, isFinal: true, bytes: 0).added
        #expect(store.perform([.write(entry, [])])[entry.sequence] != nil)
    }
}

@Suite struct StatusAnswerTests {
    private func answer(_ status: Int, _ headers: HTTPHeaders = HTTPHeaders()) -> StatusAnswer {
        let head = HTTPResponseHead(status: status, headers: headers)
        return StatusAnswer(.success(ClientResponse(head: head, body: [])), now: Timestamp(nanoseconds: 0))
    }

    @Test func whatConcernsTheServerWaitsAndWhatConcernsTheStatusIsRefused() {
        for status in [200, 201, 202, 204] { #expect(answer(status) == .taken) }
        for status in [301, 307, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504] {
            guard case .notNow = answer(status) else {
                Issue.record("\(status): \(answer(status))")
                continue
            }
        }
        for status in [400, 409, 410, 413, 415, 422] {
            guard case .refused = answer(status) else {
                Issue.record("\(status): \(answer(status))")
                continue
            }
        }
        guard case .notNow(_, let asked) = answer(429, ["Retry-After": "30"]), asked == .seconds(30) else {
            Issue.record("the server's wish is not heard")
            return
        }
        let failed = StatusAnswer(.failure(ClientError(.timeOut, "slow")), now: Timestamp(nanoseconds: 0))
        #expect(failed == .notNow("slow", asked: nil))
    }
}

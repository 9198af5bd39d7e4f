import Base
import HTTP
import HTTPClient
import JSON
import Kube
import PodSources

/// Sends the status of pods to a URL: each change as the v1 Pod, one after another, in the order in which they
/// happened. What is not taken yet waits on disk and outlives the agent.
public final class HTTPStatusReporter: StatusReporter {
    private let client: HTTPClient
    private let store: StatusStore
    private let loop: EventLoop
    private let work: any BlockingWork
    private let log: Log
    private var queue: StatusQueue
    /// What each instance last told: what has not changed is not told again.
    private var told: [String: Int] = [:]
    private var changes: [StatusStore.Change] = []
    private var isStoring = false
    /// Not on disk yet, or could not be put there.
    private var unstored: [UInt64: [UInt8]] = [:]
    /// Called when what was to be stored before them is.
    private var waiters: [() -> Void] = []
    private var sending: StatusQueue.Entry?
    private var failures = 0
    /// Nothing is sent before it fires.
    private var backOffTimer: EventLoop.Token?
    /// Fires when what was refused is offered again.
    private var restTimer: EventLoop.Token?
    private var isStopped = false
    /// Why the last sending failed; nil when it did not.
    public private(set) var problem: String?

    /// - Parameter folder: where the queue is kept.
    public init(
        _ url: HTTPURL, options: ClientOptions, folder: String, loop: EventLoop, work: any BlockingWork, log: Log
    ) throws(SystemError) {
        client = HTTPClient(url, options: options, loop: loop, work: work)
        store = StatusStore(folder: folder)
        self.loop = loop
        self.work = work
        self.log = log
        queue = StatusQueue(try store.load())
    }

    public var url: HTTPURL { client.url }
    /// Statuses that wait, and those that gave way to newer ones since the agent began.
    public var waiting: Int { queue.entries.count }
    public var dropped: Int { queue.dropped }

    /// Removes what waits for a URL that is none any more.
    public static func forget(_ folder: String) throws(SystemError) {
        guard Files.isDirectory(folder) else { return }
        for name in try Files.list(folder) { try Files.remove("\(folder)/\(name)") }
    }

    /// Sends what an earlier agent left.
    public func start() { send() }

    /// Ends; what waits stays on disk.
    public func stop() {
        isStopped = true
        for timer in [backOffTimer, restTimer] { if let timer { loop.cancel(timer) } }
        (backOffTimer, restTimer) = (nil, nil)
        client.close()
    }

    // MARK: What is told

    public func report(_ pod: Pod) {
        let isFinal = pod.status.phase == .succeeded || pod.status.phase == .failed
        add(pod, isFinal: isFinal)
    }

    public func reportEnd(_ pod: Pod, kept: @escaping () -> Void) {
        var pod = pod
        // As the API server shows a pod in the moment in which it goes.
        pod.metadata.deletionGracePeriodSeconds = 0
        if pod.status.phase != .succeeded, pod.status.phase != .failed {
            pod.status.phase = Self.hasSucceeded(pod.status) ? .succeeded : .failed
        }
        add(pod, isFinal: true)
        told[pod.metadata.uid] = nil
        waiters.append(kept)
        flush()
    }

    private static func hasSucceeded(_ status: PodStatus) -> Bool {
        status.containerStatuses.allSatisfy {
            if case .terminated(let end) = $0.state { end.exitCode == 0 } else { false }
        }
    }

    private func add(_ pod: Pod, isFinal: Bool) {
        let bytes = JSONWriter().bytes(pod.json) + [0x0A]
        guard told[pod.metadata.uid] != bytes.hashValue else { return }
        told[pod.metadata.uid] = bytes.hashValue
        let (entry, gone) = queue.add(
            uid: pod.metadata.uid, pod: Self.number(pod.fullName), isFinal: isFinal, bytes: bytes.count,
            sending: sending?.sequence)
        unstored[entry.sequence] = bytes
        changes.append(.write(entry, bytes))
        for entry in gone { forget(entry) }
        flush()
    }

    /// FNV-1a: the same number in every run.
    private static func number(_ text: String) -> UInt64 {
        text.utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }

    private func forget(_ entry: StatusQueue.Entry) {
        unstored[entry.sequence] = nil
        changes.append(.remove(entry))
    }

    // MARK: The disk

    private func flush() {
        guard !isStoring, !changes.isEmpty || !waiters.isEmpty else { return }
        isStoring = true
        let (batch, waiting, store) = (changes, waiters, store)
        changes = []
        waiters = []
        work.run {
            store.perform(batch)
        } then: { [self] failures in
            isStoring = false
            for change in batch {
                switch change {
                case .write(let entry, _): if failures[entry.sequence] == nil { unstored[entry.sequence] = nil }
                case .remove(let entry): queue.settled(entry)
                }
            }
            if let failure = failures.values.first {
                // It waits in memory: it can still be sent.
                log.error("statusURL: what waits to be sent cannot be kept: \(failure)")
            }
            for waiter in waiting { waiter() }
            flush()
            send()
        }
    }

    // MARK: The server

    private func send() {
        guard !isStopped, sending == nil, backOffTimer == nil else { return }
        if let timer = restTimer { loop.cancel(timer) }
        restTimer = nil
        let now = BootInstant.now
        guard let entry = queue.next(now: now) else {
            guard let end = queue.nextRest(now: now) else { return }
            restTimer = loop.schedule(at: end) { [weak self] in self?.send() }
            return
        }
        // Nothing is said that a new agent would not know of; it is sent when it is on disk.
        guard unstored[entry.sequence] == nil || !isStoring else { return }
        sending = entry
        if let bytes = unstored[entry.sequence] { return post(entry, bytes) }
        let store = store
        work.run {
            store.read(entry)
        } then: { [weak self] bytes in
            self?.post(entry, bytes)
        }
    }

    private func post(_ entry: StatusQueue.Entry, _ bytes: [UInt8]?) {
        guard !isStopped else { return }
        guard let bytes else {
            log.warning("statusURL: a status of pod instance \(entry.uid) was not written to its end, and is not sent")
            return done(entry)
        }
        let request = ClientRequest("POST", headers: ["Content-Type": "application/json"], body: bytes)
        client.send(request) { [weak self] in self?.answered(entry, StatusAnswer($0, now: .now)) }
    }

    private func done(_ entry: StatusQueue.Entry) {
        sending = nil
        queue.remove(entry.sequence)
        forget(entry)
        flush()
        send()
    }

    private func answered(_ entry: StatusQueue.Entry, _ answer: StatusAnswer) {
        guard !isStopped else { return }
        switch answer {
        case .taken:
            if failures > 0 { log.info("statusURL: \(url) takes statuses again") }
            failures = 0
            problem = nil
            done(entry)
        case .refused(let why):
            failures = 0
            sending = nil
            let goes = queue.refused(entry, now: .now)
            problem = "a status of pod instance \(entry.uid) is refused: \(why)"
            log.warning(
                "statusURL: \(url) refuses a status of pod instance \(entry.uid): \(why); "
                    + (goes ? "a newer one follows" : "it is offered again in \(StatusQueue.refusalDelay)"))
            if goes {
                forget(entry)
                flush()
            }
            send()
        case .notNow(let why, let asked):
            sending = nil
            failures += 1
            problem = why
            if failures == 1 { log.warning("statusURL: \(url): \(why); statuses wait and are sent later") }
            let delay = max(RetryDelay.backOff(failures, random: RetryDelay.random()), asked ?? Nanoseconds(0))
            backOffTimer = loop.schedule(after: delay) { [weak self] in
                self?.backOffTimer = nil
                self?.send()
            }
        }
    }
}

import CLinux

/// What happened on a watched descriptor.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let readable = Readiness(rawValue: 0x001)
    public static let writable = Readiness(rawValue: 0x004)
    public static let priority = Readiness(rawValue: 0x002)
    public static let error = Readiness(rawValue: 0x008)
    public static let hangup = Readiness(rawValue: 0x010)
    public static let peerClosed = Readiness(rawValue: 0x2000)
}

/// A single-threaded loop over epoll: descriptors, boot-clock timers and work queued for the next turn. Everything but
/// `wakeHandle` is used from the loop's own thread. It does nothing, and wakes for nothing, that nobody asked for.
public final class EventLoop {
    /// Names a watch or a timer.
    public struct Token: Hashable, Sendable { fileprivate let id: UInt64 }

    private struct Timer: Comparable {
        let deadline: BootInstant
        let id: UInt64
        static func < (a: Timer, b: Timer) -> Bool { (a.deadline, a.id) < (b.deadline, b.id) }
    }

    private let epoll: FileDescriptor
    private struct Watch {
        let raw: Int32
        let handler: (Readiness) -> Void
        var isSilent = false
    }

    private var watches: [UInt64: Watch] = [:]
    /// Sorted, latest first: few timers, so insertion is cheap and the next one is popped from the end.
    private var timers: [Timer] = []
    private var timerHandlers: [UInt64: () -> Void] = [:]
    private var queue: [() -> Void] = []
    private var nextID: UInt64 = 1
    private var stopped = false
    /// Wakes the loop from any thread.
    public let wakeHandle: WakeHandle
    private var onWake: (() -> Void)?

    public init() throws(SystemError) {
        epoll = FileDescriptor(adopting: try retrying("epoll_create1", "event loop") { swl_epoll_create() })
        wakeHandle = WakeHandle(
            FileDescriptor(adopting: try retrying("eventfd", "event loop") { swl_eventfd() }))
        let (poll, wake) = (epoll.raw, wakeHandle.raw)
        try retrying("epoll_ctl", "eventfd") { swl_epoll_ctl(poll, EPOLL_CTL_ADD, wake, 1, 0) }
    }

    /// Sets what runs on the loop's thread after `wakeHandle.wake()`.
    public func onWake(_ handler: @escaping () -> Void) { onWake = handler }

    /// Calls `handler` whenever `descriptor` is ready (level-triggered; hang-up and error are always reported). The
    /// caller keeps the descriptor open until `unwatch`.
    public func watch(
        _ descriptor: borrowing FileDescriptor, for interest: Readiness, _ handler: @escaping (Readiness) -> Void
    ) throws(SystemError) -> Token {
        let id = nextID
        nextID += 1
        let (poll, raw) = (epoll.raw, descriptor.raw)
        try retrying("epoll_ctl", "fd \(raw)") { swl_epoll_ctl(poll, EPOLL_CTL_ADD, raw, interest.rawValue, id) }
        watches[id] = Watch(raw: raw, handler: handler)
        return Token(id: id)
    }

    /// Changes what a watch waits for.
    public func update(_ token: Token, for interest: Readiness) throws(SystemError) {
        guard let watch = watches[token.id] else { return }
        let (poll, operation) = (epoll.raw, watch.isSilent ? EPOLL_CTL_ADD : EPOLL_CTL_MOD)
        try retrying("epoll_ctl", "fd \(watch.raw)") {
            swl_epoll_ctl(poll, operation, watch.raw, interest.rawValue, token.id)
        }
        watches[token.id]?.isSilent = false
    }

    /// Looks away until the next `update`: also a hang-up or an error, which the kernel would report for ever, is not
    /// told meanwhile.
    public func silence(_ token: Token) {
        guard let watch = watches[token.id], !watch.isSilent else { return }
        _ = swl_epoll_ctl(epoll.raw, EPOLL_CTL_DEL, watch.raw, 0, 0)
        watches[token.id]?.isSilent = true
    }

    /// Ends a watch. Its handler is not called again, also when an event of it is already waiting.
    public func unwatch(_ token: Token) {
        guard let watch = watches.removeValue(forKey: token.id), !watch.isSilent else { return }
        _ = swl_epoll_ctl(epoll.raw, EPOLL_CTL_DEL, watch.raw, 0, 0)
    }

    /// Calls `handler` once at or after `deadline`.
    @discardableResult
    public func schedule(at deadline: BootInstant, _ handler: @escaping () -> Void) -> Token {
        let timer = Timer(deadline: deadline, id: nextID)
        nextID += 1
        timerHandlers[timer.id] = handler
        let index = timers.firstIndex { $0 < timer } ?? timers.endIndex
        timers.insert(timer, at: index)
        return Token(id: timer.id)
    }

    @discardableResult
    public func schedule(after delay: Nanoseconds, _ handler: @escaping () -> Void) -> Token {
        schedule(at: .now + delay, handler)
    }

    /// Ends a timer that has not fired.
    public func cancel(_ token: Token) {
        guard timerHandlers.removeValue(forKey: token.id) != nil else { return }
        timers.removeAll { $0.id == token.id }
    }

    /// Runs `work` in this thread's next turn.
    public func enqueue(_ work: @escaping () -> Void) { queue.append(work) }

    /// Makes `run` return after the current turn.
    public func stop() { stopped = true }

    /// Turns until `stop`.
    public func run() throws(SystemError) {
        stopped = false
        while !stopped { try turn(wait: true) }
    }

    /// One turn: due timers, queued work, then what the kernel reports (waiting for it when `wait` and nothing is due).
    public func turn(wait: Bool) throws(SystemError) {
        fireTimers()
        let work = queue
        queue.removeAll(keepingCapacity: work.count < 256)
        for item in work { item() }
        if stopped { return }

        var events = InlineArray<64, swl_epoll_event>(repeating: swl_epoll_event())
        let timeout = queue.isEmpty && wait ? millisecondsToNextTimer() : 0
        let poll = epoll.raw
        var span = events.mutableSpan
        let count = span.withUnsafeMutableBufferPointer { swl_epoll_wait(poll, $0.baseAddress, 64, timeout) }
        if count < 0 {
            let error = Errno.current
            if error == .interrupted { return }
            throw SystemError("epoll_wait", "event loop", error)
        }
        for i in 0..<Int(count) {
            let event = events[i]
            if event.token == 0 {
                wakeHandle.drain()
                onWake?()
            } else if let watch = watches[event.token], !watch.isSilent {
                watch.handler(Readiness(rawValue: event.events))
            }
        }
        fireTimers()
    }

    private func fireTimers() {
        guard !timers.isEmpty else { return }
        let now = BootInstant.now
        while let next = timers.last, next.deadline <= now {
            timers.removeLast()
            timerHandlers.removeValue(forKey: next.id)?()
        }
    }

    /// epoll's time-out is measured without suspended time; the timers are looked at again after every wake, and a
    /// resume wakes the loop by its first event at the latest. Rounded up, so that a timer never fires early.
    private func millisecondsToNextTimer() -> Int32 {
        guard let next = timers.last else { return -1 }
        let left = next.deadline.nanoseconds - BootInstant.now.nanoseconds
        if left <= 0 { return 0 }
        return Int32(clamping: (left + 999_999) / 1_000_000)
    }
}

/// Wakes an `EventLoop` from any thread.
public final class WakeHandle: Sendable {
    private let descriptor: FileDescriptor
    fileprivate init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    fileprivate var raw: Int32 { descriptor.raw }

    public func wake() {
        // A wake that is lost may be the last one: what fails for a moment is tried again.
        for _ in 0..<8 where eventfd_write(descriptor.raw, 1) == 0 { return }
    }

    fileprivate func drain() {
        var value: eventfd_t = 0
        _ = eventfd_read(descriptor.raw, &value)
    }
}

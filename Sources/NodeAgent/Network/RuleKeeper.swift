import Base
import CLinux
import Netlink

/// Notices when another program deletes rules of the pods' networks (`nft flush ruleset`, a firewall that is loaded
/// anew), and has what is missing put back. It does nothing, and wakes for nothing, while nobody deletes any.
@LoopActor
final class RuleKeeper {
    private let loop: EventLoop
    private let log: Log
    /// Whether a process is a plugin of ours.
    private let isOurs: (pid_t) -> Bool
    /// Puts back what is missing; true where something was.
    private let restore: () async throws -> Bool
    private var monitor: NftablesMonitor?
    private var token: EventLoop.Token?
    private var timer: EventLoop.Token?
    private var isLooking = false
    private var mustLookAgain = false
    /// Heard since the last look; nil when not all was heard.
    private var changes: [NftablesMonitor.Change]? = []
    private var restored = BootInstant(nanoseconds: 0)
    private var delay = RuleKeeper.shortDelay
    /// Tables of ours; changes of others do not count, unless `followsAll`.
    var tables: Set<NftablesTable> = []
    /// Whether rules of ours stand in other programs' tables.
    var followsAll = false

    /// Programs that load rules do it in several steps.
    private static let shortDelay = Nanoseconds.milliseconds(50)
    /// Between two looks, when somebody deletes them again and again.
    private static let longDelay = Nanoseconds.milliseconds(800)

    init(
        loop: EventLoop, log: Log, isOurs: @escaping (pid_t) -> Bool, restore: @escaping () async throws -> Bool
    ) {
        self.loop = loop
        self.log = log
        self.isOurs = isOurs
        self.restore = restore
    }

    /// Begins to listen, where that is not so already.
    func start() {
        guard monitor == nil else { return }
        do {
            let monitor = try NftablesMonitor()
            token = try loop.watch(monitor.descriptor, for: .readable) { [weak self] _ in self?.hear() }
            self.monitor = monitor
        } catch {
            log.warning("rules of pods' networks that other programs remove are not noticed: \(error)")
        }
    }

    func stop() {
        if let token { loop.unwatch(token) }
        if let timer { loop.cancel(timer) }
        (token, timer, monitor) = (nil, nil, nil)
        (changes, mustLookAgain, tables, followsAll) = ([], false, [], false)
    }

    private func hear() {
        guard let heard = monitor?.read() else {
            changes = nil
            return lookSoon()
        }
        let relevant = heard.filter { followsAll || !$0.lost.isDisjoint(with: tables) }
        guard !relevant.isEmpty else { return }
        // What counts is who and where, and that is bounded by the looks.
        changes = changes.map { $0.count < 64 ? $0 + relevant : $0 }
        lookSoon()
    }

    /// Has a look soon.
    private func lookSoon() {
        guard timer == nil else { return }
        if BootInstant.now > restored + .seconds(10) { delay = Self.shortDelay }
        timer = loop.schedule(after: delay) { [weak self] in
            guard let self else { return }
            timer = nil
            // A plugin of ours is known as one only after it was begun.
            let others = changes?.filter { !self.isOurs($0.thread) && !Self.isOwnThread($0.thread) }
            changes = []
            if others?.isEmpty == true { return }
            Task { await self.look(others ?? []) }
        }
    }

    private static func isOwnThread(_ thread: pid_t) -> Bool { Files.exists("/proc/self/task/\(thread)") }

    /// Looks whether all is there, and puts back what is not.
    ///
    /// - Parameter changes: what was heard before; empty where that is not known.
    func look(_ changes: [NftablesMonitor.Change] = []) async {
        guard !isLooking else {
            mustLookAgain = true
            return
        }
        isLooking = true
        defer { isLooking = false }
        repeat {
            mustLookAgain = false
            do {
                guard try await restore() else { continue }
                let programs = Set(changes.map { "\($0.program) (process \($0.thread))" }).sorted()
                let who = programs.isEmpty ? "another program" : programs.joined(separator: ", ")
                log.warning("\(who) removed nftables rules of the pods' networks; they are put back")
                restored = .now
                delay = min(Nanoseconds(delay.count * 2), Self.longDelay)
            } catch {
                log.error("nftables rules of the pods' networks are not as they should be: \(error)")
            }
        } while mustLookAgain
    }
}

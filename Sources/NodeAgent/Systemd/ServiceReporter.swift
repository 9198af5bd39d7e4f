import Base
import CLinux

/// Tells the service manager about the agent: when it is ready, what it does in a line, that its loop turns.
@LoopActor
public final class ServiceReporter {
    private let manager: ServiceManager
    private let loop: EventLoop
    private let describe: () -> String
    private var told: String?
    private var isScheduled = false
    private var isReady = false

    /// How long changes are collected: a burst of them is one message.
    private static let delay = Nanoseconds.milliseconds(100)

    /// - Parameter describe: the line that `systemctl status` shows.
    public init(_ manager: ServiceManager, loop: EventLoop, describe: @escaping () -> String) {
        self.manager = manager
        self.loop = loop
        self.describe = describe
    }

    /// The agent answers. From now on its status is told after changes, and that it is alive as often as asked.
    public func ready() {
        guard manager.invitation != nil else { return }
        isReady = true
        let status = describe()
        told = status
        manager.notify(("READY", "1"), ("STATUS", status), waits: true)
        if manager.invitation?.watchdog != nil { beat() }
    }

    /// What `describe` says may have changed.
    public func changed() {
        guard isReady, !isScheduled else { return }
        isScheduled = true
        loop.schedule(after: Self.delay) { [weak self] in self?.tell() }
    }

    private func tell() {
        isScheduled = false
        let status = describe()
        guard status != told else { return }
        if manager.notify(("STATUS", status)) { told = status } else { changed() }
    }

    /// A configuration is being read again; `reloaded` follows.
    public func reloading() {
        manager.notify(
            ("RELOADING", "1"), ("MONOTONIC_USEC", String(swl_monotonic_ns() / 1000)), waits: true)
    }

    public func reloaded() {
        guard isReady else { return }
        told = describe()
        manager.notify(("READY", "1"), ("STATUS", told ?? ""), waits: true)
    }

    /// The agent ends.
    ///
    /// - Parameter within: how long that may take, when it is longer than the service manager would wait.
    public func stopping(_ status: String, within time: Nanoseconds? = nil) {
        isReady = false
        manager.notify(("STOPPING", "1"), ("STATUS", status), waits: true)
        if let time { manager.notify(("EXTEND_TIMEOUT_USEC", String(time.count / 1000)), waits: true) }
    }

    /// Twice as often as asked, and from the loop: a loop that hangs is noticed.
    private func beat() {
        guard let interval = manager.invitation?.watchdog else { return }
        manager.notify(("WATCHDOG", "1"))
        loop.schedule(after: Nanoseconds(max(1_000_000, interval.count / 2))) { [weak self] in self?.beat() }
    }
}

import Base
import Synchronization

/// What folders of pods take on the disk, each looked at once a minute at most: a look reads every entry.
final class DiskUsageKeeper: Sendable {
    private struct Look {
        var usage: DiskUsage
        var time: BootInstant
    }

    private static let age = Nanoseconds.seconds(60)
    private let looks = Mutex<[String: Look]>([:])

    /// Blocks, where nobody has looked for a while.
    func usage(_ path: String) -> DiskUsage {
        let now = BootInstant.now
        if let look = looks.withLock({ $0[path] }), now < look.time + Self.age { return look.usage }
        let usage = DiskUsage.of(path)
        looks.withLock { looks in
            // Of pods that are gone.
            looks = looks.filter { now < $0.value.time + Self.age }
            looks[path] = Look(usage: usage, time: now)
        }
        return usage
    }
}

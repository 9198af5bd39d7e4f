import CLinux

/// The numbers of the plugins that were begun last, by which what they do is told from what other programs do.
@LoopActor
final class PluginProcesses {
    private var latest: [pid_t] = []
    private var next = 0
    /// A number is given away again after thousands.
    private static let limit = 256

    nonisolated init() {}

    func add(_ pid: pid_t) {
        if latest.count < Self.limit { return latest.append(pid) }
        latest[next] = pid
        next = (next + 1) % Self.limit
    }

    func contains(_ pid: pid_t) -> Bool { latest.contains(pid) }
}

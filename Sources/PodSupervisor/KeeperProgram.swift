import Base
import CLinux
import Cgroups

/// `swiftlet-pod keeper`: the only process of the systemd unit that owns the pods' cgroups. A cgroup that hands
/// controllers on may hold no process itself, so it moves to the child `keeper` of its own cgroup, says that the unit
/// is ready, and sleeps until a signal ends it. With `--clear`, run by systemd when the unit has stopped, it kills what
/// is left beside itself and removes the cgroups of the pods.
enum KeeperProgram {
    static func run(_ arguments: [String], _ log: Log) -> Int32 {
        switch arguments {
        case []: return keep(log)
        case ["--clear"]: return clear(log)
        default:
            log.error("usage: swiftlet-pod keeper [--clear]; swiftlet-pods.service starts it")
            return 2
        }
    }

    private static func keep(_ log: Log) -> Int32 {
        let manager = ServiceManager.ofEnvironment()
        swl_reset_signals()
        swl_ignore_signal(SIGHUP)
        do throws(SystemError) {
            try unit().child("keeper", create: true).add(getpid())
        } catch {
            log.error("the cgroup of this unit cannot be made ready for pods: \(error)")
            return 1
        }
        manager.notify(("READY", "1"), ("STATUS", "keeps the cgroups of the pods"), waits: true)
        swl_release_memory()
        while true { pause() }
    }

    private static func clear(_ log: Log) -> Int32 {
        do throws(SystemError) {
            let unit = try unit()
            for name in ["kubepods", "supervisors"] where Files.isDirectory(Path.join(unit.path, name)) {
                try unit.child(name, create: false).destroy(within: .seconds(30))
            }
            return 0
        } catch {
            log.error("what is left of the pods cannot be cleared away: \(error)")
            return 1
        }
    }

    /// The cgroup of the unit: this process's own, or the one around it where systemd put it into a child.
    private static func unit() throws(SystemError) -> Cgroup {
        let own = try ownPath(try Files.readText("/proc/self/cgroup"))
        let path = Path.join(try CgroupHierarchy.detect().mountPoint, own)
        return try .open(path.hasSuffix("/.control") || path.hasSuffix("/keeper") ? Path.parent(path) : path)
    }

    /// The cgroup v2 path in the text of `/proc/<pid>/cgroup`, without its leading slash.
    static func ownPath(_ text: String) throws(SystemError) -> String {
        for line in text.split(separator: "\n") where line.hasPrefix("0::/") { return String(line.dropFirst(4)) }
        throw SystemError("find the cgroup v2 line in", "/proc/self/cgroup", .noEntry)
    }
}

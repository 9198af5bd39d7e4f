import Base
import CLinux

/// How much of what a pod needs there is on the machine.
struct LeakCount: Equatable {
    var mounts: Int
    var links: Int
    var supervisors: Int
    var runFiles: Int

    static func now() -> LeakCount {
        LeakCount(
            mounts: (try? Files.readText("/proc/self/mountinfo", limit: 16 << 20).split(separator: "\n").count) ?? 0,
            links: (try? Files.list("/sys/class/net").count) ?? 0,
            supervisors: processes().filter { $0.command.contains("swiftlet-pod") }.count,
            runFiles: ((try? Files.list("/run/swiftlet")) ?? []).count)
    }

    func expectNoMore(than before: LeakCount) throws {
        if mounts > before.mounts || links > before.links || supervisors > before.supervisors
            || runFiles > before.runFiles
        {
            throw Failure("before: \(before), after: \(self)")
        }
    }

    /// Mounts and processes that name `path`.
    static func mentions(of path: String) -> [String] {
        var found: [String] = []
        for line in ((try? Files.readText("/proc/self/mountinfo", limit: 16 << 20)) ?? "").split(separator: "\n")
        where line.contains(path) {
            let fields = line.split(separator: " ")
            found.append("mount \(fields.count > 4 ? String(fields[4]) : String(line))")
        }
        for process in processes() where process.command.contains(path) && process.pid != getpid() {
            found.append("process \(process.pid) \(process.command)")
        }
        return found
    }

    static func processes() -> [(pid: pid_t, command: String)] {
        var found: [(pid: pid_t, command: String)] = []
        for name in (try? Files.list("/proc")) ?? [] {
            guard let pid = pid_t(name), let bytes = try? Files.read("/proc/\(name)/cmdline"), !bytes.isEmpty else {
                continue
            }
            found.append((pid, String(decoding: bytes.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)))
        }
        return found
    }
}

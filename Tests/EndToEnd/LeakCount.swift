import Base
import CLinux
import Netlink

/// How much of what a pod needs there is on the machine.
struct LeakCount: Equatable {
    var mounts: Int
    /// Of the tests' own network namespace; nil when it cannot be read.
    var network: HostNetwork?
    var supervisors: Int
    var runFiles: Int

    static func now() -> LeakCount {
        LeakCount(
            mounts: (try? Files.readText("/proc/self/mountinfo", limit: 16 << 20).split(separator: "\n").count) ?? 0,
            network: try? HostNetwork.now(),
            supervisors: processes().filter { $0.command.contains("swiftlet-pod") }.count,
            runFiles: ((try? Files.list("/run/swiftlet")) ?? []).count)
    }

    func expectNoMore(than before: LeakCount) throws {
        if mounts > before.mounts || supervisors > before.supervisors
            || runFiles > before.runFiles
        {
            throw Failure("before: \(before), after: \(self)")
        }
    }

    /// The tests have a network of their own, so it is compared as a whole.
    func expectSameNetwork(as before: LeakCount) throws {
        guard let now = network?.lines, let old = before.network?.lines else {
            throw Failure("the network cannot be read")
        }
        let (added, removed) = (now.filter { !old.contains($0) }, old.filter { !now.contains($0) })
        if !added.isEmpty || !removed.isEmpty { throw Failure("of the network: left \(added), missing \(removed)") }
    }

    /// Removes what agents that were killed have left of their networks.
    static func discardNetwork() {
        guard var routes = try? RouteSocket(), var nftables = try? NftablesSocket() else { return }
        for link in (try? routes.links()) ?? [] where link.name.hasPrefix("swl-") {
            try? routes.perform { $0.deleteLink(.index(link.index)) }
        }
        for table in (try? nftables.tables()) ?? [] where table.name.hasPrefix("swiftlet") {
            try? nftables.deleteTable(table)
        }
    }

    /// The nftables tables of all families.
    static func tables() throws -> [String] {
        var socket = try NftablesSocket()
        return try socket.tables().map(\.name).sorted()
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

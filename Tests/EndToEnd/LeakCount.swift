import Base
import CLinux
import Netlink

/// How much of what a pod needs there is on the machine.
struct LeakCount: Equatable {
    var mounts: Int
    /// Of the tests' own network namespace, as are the tables.
    var links: [String]
    var tables: [String]
    var supervisors: Int
    var runFiles: Int

    static func now() -> LeakCount {
        LeakCount(
            mounts: (try? Files.readText("/proc/self/mountinfo", limit: 16 << 20).split(separator: "\n").count) ?? 0,
            links: (try? Self.links()) ?? [], tables: (try? Self.tables()) ?? [],
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
        try expectEqual(links, before.links, "network interfaces")
        try expectEqual(tables, before.tables, "nftables tables")
    }

    private static func links() throws -> [String] {
        var routes = try RouteSocket()
        return try routes.links().map(\.name).sorted()
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

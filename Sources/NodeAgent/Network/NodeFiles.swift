import Base
import PodRuntime

/// The host's files that pods' own are made of.
enum NodeFiles {
    static func hosts() -> String { text(of: "/etc/hosts") }

    /// The host's resolv.conf. With systemd-resolved it names an address of the host's loopback, which a pod with its
    /// own network cannot reach: such a pod gets the servers that resolved asks.
    static func resolverConfiguration(forOwnNetwork isOwn: Bool) -> String {
        let usual = text(of: "/etc/resolv.conf")
        guard isOwn, namesOnlyLoopback(usual) else { return usual }
        let upstream = text(of: "/run/systemd/resolve/resolv.conf")
        return upstream.isEmpty || namesOnlyLoopback(upstream) ? usual : upstream
    }

    private static func namesOnlyLoopback(_ text: String) -> Bool {
        let servers = ResolverConfiguration(parsing: text).servers
        return !servers.isEmpty && servers.allSatisfy { $0.hasPrefix("127.") || $0 == "::1" }
    }

    /// A file byte for byte; empty when there is none.
    private static func text(of path: String) -> String {
        String(decoding: (try? Files.read(path, limit: 1 << 20)) ?? [], as: UTF8.self)
    }
}

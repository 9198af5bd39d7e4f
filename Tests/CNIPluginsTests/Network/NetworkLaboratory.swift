import Base
import CLinux
import Linux
import Netlink
import TestSupport

@testable import CNIPlugins

/// A host of its own with two pods on a bridge and a machine outside, each a network namespace; they end with the
/// process. Made in a process of the test's own: its thread is moved.
///
///     outside 192.0.2.2, fd02::2 — host 192.0.2.1, fd02::1, bridge br0 10.1.0.1, fd01::1 — pod 10.1.0.5, fd01::5
///                                                                                        — neighbour 10.1.0.6, fd01::6
struct NetworkLaboratory: ~Copyable {
    static let pod = "pod"
    static let neighbour = "neighbour"
    static let outside = "outside"

    private let folder: String
    private let host: NetworkNamespace
    /// Whether this kernel has IPv6.
    let hasIPv6: Bool

    /// - Parameter folder: of a `TemporaryDirectory`.
    static func make(in folder: String) throws -> NetworkLaboratory {
        try Namespaces.mount.unshare()
        try Namespaces.makeMountsPrivate()
        for name in [pod, neighbour, outside] {
            let path = "\(folder)/\(name)"
            try Files.replace(path, with: [], durable: false)
            try Namespaces.network.unshare()
            try retrying("mount", path) { mount("/proc/thread-self/ns/net", path, nil, UInt(MS_BIND), nil) }
        }
        try Namespaces.network.unshare()
        let laboratory = NetworkLaboratory(folder, try NetworkNamespace.current())
        try laboratory.setUp()
        return laboratory
    }

    private init(_ folder: String, _ host: consuming NetworkNamespace) {
        self.folder = folder
        self.host = host
        hasIPv6 = Files.exists("/proc/sys/net/ipv6")
    }

    private func setUp() throws {
        let namespace = { [folder] (name: String) in "nsenter --net=\(folder)/\(name)" }
        var script = """
            ip link set lo up
            ip link add br0 address 0a:00:00:00:00:01 type bridge forward_delay 0
            ip link set br0 up
            ip addr add 10.1.0.1/24 dev br0
            # Natively a new namespace may send what is bridged through the rules of IP too.
            if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then
                echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables
                echo 0 > /proc/sys/net/bridge/bridge-nf-call-ip6tables
            fi
            ip link add vout type veth peer name eth0 netns \(folder)/outside
            ip addr add 192.0.2.1/24 dev vout
            ip link set vout up
            \(namespace("outside")) ip link set lo up
            \(namespace("outside")) ip link set eth0 up
            \(namespace("outside")) ip addr add 192.0.2.2/24 dev eth0
            \(namespace("outside")) ip route add 10.1.0.0/24 via 192.0.2.1
            echo 1 > /proc/sys/net/ipv4/ip_forward

            """
        for (name, number) in [(Self.pod, 5), (Self.neighbour, 6)] {
            script += """
                ip link add v\(name.prefix(3)) type veth peer name eth0 netns \(folder)/\(name)
                ip link set v\(name.prefix(3)) master br0 up
                \(namespace(name)) ip link set lo up
                \(namespace(name)) ip link set eth0 up
                \(namespace(name)) ip addr add 10.1.0.\(number)/24 dev eth0
                \(namespace(name)) ip route add default via 10.1.0.1

                """
        }
        if hasIPv6 {
            script += """
                echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
                ip addr add fd01::1/64 dev br0 nodad
                ip addr add fd02::1/64 dev vout nodad
                \(namespace("outside")) ip addr add fd02::2/64 dev eth0 nodad
                \(namespace("outside")) ip route add fd01::/64 via fd02::1
                \(namespace("pod")) ip addr add fd01::5/64 dev eth0 nodad
                \(namespace("pod")) ip route add default via fd01::1
                \(namespace("neighbour")) ip addr add fd01::6/64 dev eth0 nodad
                \(namespace("neighbour")) ip route add default via fd01::1

                """
        }
        try sh(script)
        // Only with a carrier the kernel has the routes of IPv6.
        for (namespace, name) in [(nil, "vout"), (Self.outside, "eth0"), (Self.pod, "eth0"), (Self.neighbour, "eth0")] {
            try inside(namespace) {
                var socket = try RouteSocket()
                guard try socket.waitUntilSending(name, milliseconds: 10_000) else {
                    throw ScriptFailure(description: "\(name) of \(namespace ?? "the host") has no carrier")
                }
            }
        }
    }

    func path(_ namespace: String) -> String { "\(folder)/\(namespace)" }

    /// Runs `body` in a namespace, nil for the host's, and comes back.
    func inside<T: ~Copyable>(_ name: String?, _ body: () throws -> T) throws -> T {
        guard let name else { return try body() }
        try NetworkNamespace(path: path(name)).enter()
        defer { try? host.enter() }
        return try body()
    }

    /// Runs a shell script in the namespace of the thread.
    ///
    /// - Returns: what it printed.
    /// - Throws: what it printed, when it fails.
    @discardableResult
    func sh(_ script: String) throws -> String {
        let file = "\(folder)/output"
        var spawn = Spawn(
            "/bin/sh", ["-ec", script], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"])
        let output = SharedDescriptor(
            try FileDescriptor.open(file, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
        spawn.standardOutput = output
        spawn.standardError = output
        spawn.parentDeathSignal = SIGKILL
        let exit = try spawn.start().wait(block: true)
        let text = String(decoding: try Files.read(file), as: UTF8.self)
        guard exit?.code == 0 else { throw ScriptFailure(description: "\(script)\n\(text)") }
        return text
    }

    struct ScriptFailure: Error, CustomStringConvertible {
        var description: String
    }
}

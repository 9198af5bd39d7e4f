import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import Testing

@testable import CNIPlugins

/// A host of its own for plugins: this thread in new network and mount namespaces, containers' network namespaces, and
/// folders with plugins. For a process that ends with the test.
struct BridgeLaboratory {
    /// The plugin that a plugin finds by CNI_PATH.
    enum Delegates {
        /// This program: called within the process.
        case inProcess
        /// Ours, executed.
        case program
        /// The distribution's.
        case reference
    }

    let folder: String

    static var isPossible: Bool { geteuid() == 0 && Files.exists("/proc/sys/net/ipv6") }

    /// The test program's path. The plugins' program is built beside it.
    static var testProgram: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    static var pluginProgram: String { Path.join(Path.parent(testProgram), "cni-plugins") }

    init(in folder: String) throws {
        self.folder = folder
        try Namespaces.mount.unshare()
        try Namespaces.makeMountsPrivate()
        // Where leases go that a configuration puts nowhere.
        try retrying("mount", "/var/lib") { mount("tmpfs", "/var/lib", "tmpfs", 0, nil) }
        try Namespaces.network.unshare()
        for (name, program) in [("own", Self.testProgram), ("program", Self.pluginProgram)] {
            try Files.makeDirectories("\(folder)/\(name)")
            for plugin in MultiCall.plugins.map({ $0.name }) {
                try retrying("symlink", plugin) { symlink(program, "\(folder)/\(name)/\(plugin)") }
            }
        }
    }

    /// A plugin caller for a container with a new network namespace at `<folder>/<id>.netns`.
    func container(_ id: String, _ delegates: Delegates = .inProcess) throws -> Caller {
        let path = "\(folder)/\(id).netns"
        let home = try NetworkNamespace.current()
        try Files.replace(path, with: [], durable: false)
        try Namespaces.network.unshare()
        try retrying("mount", path) { mount("/proc/thread-self/ns/net", path, nil, UInt(MS_BIND), nil) }
        try home.enter()
        return caller(id, delegates)
    }

    /// The same without making the namespace.
    func caller(_ id: String, _ delegates: Delegates = .inProcess) -> Caller {
        var caller = Caller()
        caller.containerID = id
        caller.netns = "\(folder)/\(id).netns"
        switch delegates {
        case .inProcess: caller.path = "\(folder)/own"
        case .program: caller.path = "\(folder)/program"
        case .reference: caller.path = Caller.referenceFolder
        }
        return caller
    }

    /// Unmounts a container's network namespace, which ends with its last process.
    func removeNamespace(_ id: String) throws {
        try retrying("umount", id) { umount2("\(folder)/\(id).netns", Int32(MNT_DETACH)) }
    }

    /// Runs `body` in a container's network namespace.
    func inside<T>(_ id: String, _ body: () throws -> T) throws -> T {
        let home = try NetworkNamespace.current()
        try NetworkNamespace(path: "\(folder)/\(id).netns").enter()
        let result = Result { try body() }
        try home.enter()
        return try result.get()
    }

    /// A configuration of the network `net`.
    func configuration(_ keys: String = "", ipam: String? = #""subnet":"10.9.0.0/24""#, version: String = "1.0.0")
        -> String
    {
        let ipam = ipam.map { #","ipam":{"type":"host-local","dataDir":"\#(folder)/leases",\#($0)}"# } ?? ""
        return #"{"cniVersion":"\#(version)","name":"net","type":"bridge","bridge":"br9"\#(ipam)\#(keys)}"#
    }

    static func with(_ configuration: String, _ more: String) -> String { configuration.dropLast() + "," + more + "}" }

    static func previous(_ configuration: String, _ result: PluginCall.Outcome) -> String {
        with(configuration, #""prevResult":\#(result.text)"#)
    }

    var leases: [String] {
        ((try? Files.list("\(folder)/leases/net")) ?? []).filter { IPPrefix.parse($0) != nil }
    }

    /// The names of the interfaces of this thread's network namespace.
    func links() throws -> [String] {
        var socket = try RouteSocket()
        return try socket.links().map(\.name).sorted()
    }

    /// Waits until `links` are these: an interface whose namespace has gone goes by itself, soon.
    func waitFor(_ wanted: [String]) throws -> Bool {
        let end = BootInstant.now + .seconds(20)
        while try links() != wanted {
            guard BootInstant.now < end else { return false }
            _ = poll(nil, 0, 2)
        }
        return true
    }

    func link(_ name: String) throws -> Link? {
        var socket = try RouteSocket()
        return try socket.link(named: name)
    }

    func index(_ name: String) throws -> Int32 { try #require(try link(name)).index }

    func change(_ build: (inout NetlinkBatch) -> Void) throws {
        var socket = try RouteSocket()
        try socket.perform(build)
    }

    func addresses(_ name: String) throws -> [String] {
        var socket = try RouteSocket()
        let link = try #require(try socket.link(named: name))
        return try BridgeDevice.addresses(of: link, &socket).map(\.description).filter { !$0.hasPrefix("fe80") }
    }

    /// `destination by gateway` of all routes.
    func routes() throws -> [String] {
        var socket = try RouteSocket()
        let routes = try socket.routes(ipv6: false) + socket.routes(ipv6: true)
        return routes.filter { $0.destination.first != 0xFE }
            .map {
                "\(IPPrefix.text($0.destination))/\($0.prefixLength) by \($0.gateway.map { IPPrefix.text($0) } ?? "-")"
            }
            .sorted()
    }

    func setting(_ name: String) throws -> String { try Files.readText("/proc/sys/net/\(name)") }
}

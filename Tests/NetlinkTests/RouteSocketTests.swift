import Base
import CLinux
import Linux
import Testing

@testable import Netlink

/// In network namespaces that the test makes, in a process of its own.
@Suite(.enabled(if: geteuid() == 0, "makes namespaces")) struct RouteSocketTests {
    /// A new namespace, in which this thread is left, and the descriptor of another one.
    private static func makeNamespaces() throws -> NetworkNamespace {
        try Namespaces.network.unshare()
        let other = try NetworkNamespace.current()
        try Namespaces.network.unshare()
        return other
    }

    private static let pair: VethPair = {
        var pair = VethPair(
            name: "vethtest", mac: MACAddress("02:00:00:00:00:01")!, alias: "of:the:test", peerName: "eth0",
            peerMAC: MACAddress("02:00:00:00:00:02")!)
        pair.mtu = 1400
        return pair
    }()

    @Test func bridgeAndVethAreMadeAsAskedFor() async throws {
        await #expect(processExitsWith: .success) { try RouteSocketTests.makeBridgeAndVeth() }
    }

    private static func makeBridgeAndVeth() throws {
        let other = try makeNamespaces()
        var socket = try RouteSocket()
        let mac = try MACAddress.random()
        try socket.perform { $0.createBridge("br0", mac: mac, mtu: 1400) }
        let bridge = try #require(try socket.link(named: "br0"))
        #expect(bridge.kind == "bridge" && bridge.mac == mac && bridge.isUp && bridge.mtu == 1400)

        var pair = pair
        pair.master = bridge.index
        var batch = NetlinkBatch()
        batch.createVeth(pair, peerNamespace: other.descriptor)
        batch.setBridgePort(.name(pair.name), hairpin: true, isolated: false)
        batch.setPromiscuous(.name("br0"))
        try socket.perform(batch)
        let host = try #require(try socket.link(named: pair.name))
        #expect(host.kind == "veth" && host.mac == pair.mac && host.isUp && host.master == bridge.index)
        #expect(host.alias == pair.alias && host.port?.hairpin == true && host.port?.isolated == false)
        #expect(try socket.link(named: "br0")?.isPromiscuous == true)
        #expect(try socket.link(named: "br0")?.mac == mac, "its own, whatever its ports are")
        #expect(try Set(socket.links().map(\.name)) == ["lo", "br0", "vethtest"])
        #expect(try socket.link(named: "eth0") == nil)

        try other.enter()
        var inside = try RouteSocket()
        let link = try #require(try inside.link(named: "eth0"))
        #expect(link.mac == pair.peerMAC && !link.isUp && link.mtu == 1400 && link.peer == host.index)
        let address = InterfaceAddress([10, 1, 0, 5], prefixLength: 16)
        let six = InterfaceAddress([0xFD] + [UInt8](repeating: 0, count: 14) + [5], prefixLength: 64)
        var route = Route([192, 168, 7, 0], prefixLength: 24, gateway: [10, 1, 0, 1], interface: link.index)
        route.mtu = 1300
        route.priority = 7
        try inside.perform {
            $0.setUp(.index(link.index))
            $0.addAddress(address, to: link.index)
            $0.addAddress(six, to: link.index)
            $0.addRoute(route)
            $0.addRoute(route, mayExist: true)
            $0.addRoute(Route([0, 0, 0, 0], prefixLength: 0, gateway: [10, 1, 0, 1], interface: link.index))
        }
        #expect(try inside.addresses(of: link.index).contains(address))
        #expect(try inside.addresses(of: link.index).contains(six), "no duplicate address detection")
        let found = try inside.routes(ipv6: false)
        #expect(found.contains { $0.destination == route.destination && $0.mtu == 1300 && $0.priority == 7 })
        #expect(found.contains { $0.prefixLength == 0 && $0.gateway == [10, 1, 0, 1] })
        #expect(found.contains { $0.destination == [10, 1, 0, 0] && $0.isConnected })
        #expect(throws: NetlinkError.self) { try inside.perform { $0.addRoute(route) } }
        try inside.perform { $0.removeAddress(address, from: link.index) }
        #expect(try !inside.addresses(of: link.index).contains(address))
    }

    @Test func removedVethIsGoneAtBothEndsBeforeTheGracePeriodEnds() async throws {
        await #expect(processExitsWith: .success) { try RouteSocketTests.remove() }
    }

    private static func remove() throws {
        let other = try makeNamespaces()
        var socket = try RouteSocket()
        for _ in 0..<10 {
            try socket.perform { $0.createVeth(pair, peerNamespace: other.descriptor) }
            let index = try #require(try socket.link(named: pair.name)).index
            let removal = try socket.removeLink(index: index)
            #expect(try socket.links().map(\.name) == ["lo"])
            let home = try NetworkNamespace.current()
            try other.enter()
            var inside = try RouteSocket()
            #expect(try inside.links().map(\.name) == ["lo"])
            try home.enter()
            try removal.finish()
            // Again: it is gone.
            try socket.removeLink(index: index).finish()
        }
        let lo = try #require(try socket.link(named: "lo")).index
        #expect(throws: NetlinkError.self, "the kernel refuses") { try socket.removeLink(index: lo) }
        var status: Int32 = 0
        #expect(waitpid(-1, &status, WNOHANG) == -1, "every process was reaped")
    }

    @Test func refusalNamesTheObject() async throws {
        await #expect(processExitsWith: .success) {
            try Namespaces.network.unshare()
            var socket = try RouteSocket()
            let error = #expect(throws: NetlinkError.self) {
                try socket.perform { $0.addAddress(InterfaceAddress([10, 0, 0, 1], prefixLength: 8), to: 77) }
            }
            #expect(error?.description.contains("give link number 77 the address 10.0.0.1/8") == true)
        }
    }
}

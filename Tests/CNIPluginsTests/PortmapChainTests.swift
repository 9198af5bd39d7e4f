import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// `bridge` (with `host-local`) and `portmap` behind it, as a runtime calls them.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6")) struct PortmapChainTests {
    typealias Endpoint = NetworkSocket.Endpoint

    @Test func aPodOnOurBridgeIsReachedByTheHostsPort() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapChainTests.attachAndConnect(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func attachAndConnect(in folder: String) throws {
        let laboratory = try BridgeLaboratory(in: folder)
        _ = swl_interface_up("lo")
        for name in ["iptables", "ip6tables"] where Files.exists("/proc/sys/net/bridge/bridge-nf-call-\(name)") {
            try Files.writeExisting("/proc/sys/net/bridge/bridge-nf-call-\(name)", "0")
        }
        let ranges = #""ranges":[[{"subnet":"10.9.0.0/24"}],[{"subnet":"fd09::/64"}]]"#
        let bridge = laboratory.configuration(
            #","isDefaultGateway":true,"ipMasq":true"#, ipam: ranges, version: "1.1.0")
        let portmap =
            #"{"cniVersion":"1.1.0","name":"net","type":"portmap","capabilities":{"portMappings":true},"#
            + #""runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp"}]}}"#

        let server = try laboratory.container("a")
        let attached = server.ours("bridge", "ADD", bridge)
        try #require(attached.exitCode == 0, "\(attached.text)")
        let mapped = server.ours("portmap", "ADD", BridgeLaboratory.previous(portmap, attached))
        try #require(mapped.exitCode == 0, "\(mapped.text)")
        #expect(mapped.json == attached.json, "the result is passed on")
        let client = try laboratory.container("b").ours("bridge", "ADD", bridge)
        try #require(client.exitCode == 0, "\(client.text)")
        let previous = BridgeLaboratory.previous(portmap, mapped)
        #expect(server.ours("portmap", "CHECK", previous) == PluginCall.Outcome())

        let listener = try laboratory.insideSocket("a") { try NetworkSocket.server(.tcp, Endpoint("0.0.0.0", 80)) }
        let listener6 = try laboratory.insideSocket("a") { try NetworkSocket.server(.tcp, Endpoint("::", 80)) }
        for (id, address) in [
            (nil, "127.0.0.1"), (nil, "10.9.0.1"), ("a", "10.9.0.1"), ("b", "10.9.0.1"), (nil, "fd09::1"),
            ("a", "fd09::1"), ("b", "fd09::1"),
        ] as [(String?, String)] {
            let isIPv6 = address.contains(":")
            let socket = try laboratory.insideSocket(id) { try NetworkSocket(.tcp, isIPv6: isIPv6) }
            try socket.connect(to: Endpoint(address, 8080))
            let from = isIPv6 ? try listener6.accept() : try listener.accept()
            #expect(from.address == Endpoint(isIPv6 ? "fd09::1" : "10.9.0.1", 0).address, "\(id ?? "host") \(address)")
        }
        // In reverse, as a runtime does.
        #expect(server.ours("portmap", "DEL", previous) == PluginCall.Outcome())
        #expect(server.ours("bridge", "DEL", BridgeLaboratory.previous(bridge, mapped)) == PluginCall.Outcome())
        #expect(try PortmapTests.elements().isEmpty)
        var socket = try NftablesSocket()
        let owners = try socket.elements(of: "masquerade_ip", in: NftablesTable(.inet, "swiftlet_cni"))?.map(\.comment)
        #expect(owners == ["net/b/eth0"])
        let late = try NetworkSocket(.tcp, isIPv6: false)
        #expect(throws: SystemError.self) { try late.connect(to: Endpoint("127.0.0.1", 8080)) }
    }
}

extension BridgeLaboratory {
    /// A socket of a container's network namespace; nil for the host's.
    func insideSocket(_ id: String?, _ make: () throws -> NetworkSocket) throws -> NetworkSocket {
        guard let id else { return try make() }
        let home = try NetworkNamespace.current()
        try NetworkNamespace(path: "\(folder)/\(id).netns").enter()
        defer { try? home.enter() }
        return try make()
    }
}

import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Networks that are a VLAN of a bridge, and the check of senders. Each test has a host of its own.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6")) struct BridgeVLANTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    /// Of this thread's network namespace, which is the test's own.
    private static func filtersVLANs() throws -> Bool {
        var socket = try RouteSocket()
        let mac = try MACAddress.random()
        do {
            try socket.perform { $0.createBridge("probe", mac: mac, filtersVLANs: true) }
            try socket.perform { $0.deleteLink(.name("probe")) }
            return true
        } catch { return false }
    }

    /// `bridge` for the container, and its configuration.
    private static func attach(
        _ laboratory: Laboratory, _ id: String, _ keys: String, network: Int = 0
    ) throws -> (caller: Caller, configuration: String, result: PluginCall.Outcome) {
        let configuration = laboratory.configuration("," + keys, ipam: #""subnet":"10.9.\#(network).0/24""#)
            .replacing(#""net""#, with: #""net\#(network)""#)
        let caller = try laboratory.container(id)
        return (caller, configuration, caller.ours("bridge", "ADD", configuration))
    }

    private static func hears(
        _ laboratory: Laboratory, _ server: String?, _ address: String, from client: String?,
        _ isExpected: Bool = true
    ) throws -> Bool {
        let target = NetworkSocket.Endpoint(address, 5000)
        func socket(_ id: String?, _ make: () throws -> NetworkSocket) throws -> NetworkSocket {
            try id.map { try laboratory.insideSocket($0, make) } ?? make()
        }
        let listener = try socket(server) { try NetworkSocket.server(.udp, target) }
        let sender = try socket(client) { try NetworkSocket(.udp, isIPv6: false) }
        do { try sender.send("hello", to: target) } catch { return false }
        return try listener.isReadable(milliseconds: isExpected ? 10_000 : 300)
    }

    @Test func containersHearThoseOfTheirVLANAndTheirGateway() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            guard try BridgeVLANTests.filtersVLANs() else {
                let refused = try BridgeVLANTests.attach(laboratory, "a", #""vlan":100"#).result
                #expect(refused.code == 2 || refused.code == 5, "\(refused.text)")
                return
            }
            for (id, network) in [("a", 100), ("b", 100), ("c", 200)] {
                let keys = #""vlan":\#(network),"isDefaultGateway":true,"preserveDefaultVlan":false"#
                let (caller, configuration, result) = try BridgeVLANTests.attach(
                    laboratory, id, keys, network: network % 256)
                try #require(result.exitCode == 0, "\(result.text)")
                let names = try CNIResult(json: result.json).interfaces.map(\.name)
                #expect(names.count == 4 && names[0] == "br9" && names[2] == "eth0" && names[3] == "br9.\(network)")
                let previous = Laboratory.previous(configuration, result)
                let checked = caller.ours("bridge", "CHECK", previous)
                #expect(checked == PluginCall.Outcome(), "\(checked.text)")
            }
            #expect(try laboratory.addresses("br9") == [] && laboratory.addresses("br9.100") == ["10.9.100.1/24"])
            #expect(try BridgeVLANTests.hears(laboratory, "b", "10.9.100.3", from: "a"))
            #expect(try BridgeVLANTests.hears(laboratory, "b", "10.9.100.3", from: nil))
            #expect(try BridgeVLANTests.hears(laboratory, nil, "10.9.100.1", from: "a"))
            // Even when it gives itself an address there.
            try laboratory.inside("c") {
                let index = try laboratory.index("eth0")
                let address = InterfaceAddress([10, 9, 100, 77], prefixLength: 24)
                try laboratory.change { $0.addAddress(address, to: index) }
            }
            #expect(try !BridgeVLANTests.hears(laboratory, "b", "10.9.100.3", from: "c", false))
            let configuration = laboratory.configuration(#","vlan":100"#).replacing(#""net""#, with: #""net100""#)
            #expect(laboratory.caller("a").ours("bridge", "DEL", configuration) == PluginCall.Outcome())
            #expect(try BridgeVLANTests.hears(laboratory, nil, "10.9.100.1", from: "b"))
        }
    }

    @Test func portsAreOfTheVLANsThatAreAskedFor() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            guard try BridgeVLANTests.filtersVLANs() else { return }
            for (index, (keys, expected)) in [
                (#""vlan":100"#, "100 untagged, 1"), (#""vlan":100,"preserveDefaultVlan":false"#, "100 untagged"),
                (#""vlanTrunk":[{"minID":10,"maxID":12},{"id":20}]"#, "1 untagged, 10, 11, 12, 20"),
                (#""vlanTrunk":[{"id":1},{"id":2}],"preserveDefaultVlan":true"#, "1, 2"),
                (#""vlanTrunk":[{"id":7}],"preserveDefaultVlan":false"#, "7"), (#""mtu":1400"#, "1 untagged"),
            ].enumerated() {
                let (caller, configuration, result) = try BridgeVLANTests.attach(laboratory, "c\(index)", keys)
                try #require(result.exitCode == 0, "\(result.text)")
                let name = try CNIResult(json: result.json).interfaces[1].name
                var socket = try RouteSocket()
                let port = try #require(try socket.link(named: name))
                #expect(try socket.vlans()[port.index]?.description == expected, "\(keys)")
                let previous = Laboratory.previous(configuration, result)
                #expect(caller.ours("bridge", "CHECK", previous) == PluginCall.Outcome(), "\(keys)")
                try socket.perform { $0.addVLANs(BridgeVLANs(tagged: [99]), to: port) }
                let checked = caller.ours("bridge", "CHECK", previous)
                #expect(checked.text.contains("VLANs") == !keys.contains("mtu"), "\(checked.text)")
            }
        }
    }

    @Test func theKernelHasTheSameAsFromTheReferencePlugin() async throws {
        guard Caller.hasReference("bridge") else { return }
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            guard try BridgeVLANTests.filtersVLANs() else { return }
            var ports: [String] = []
            for (id, isOurs) in [("a", true), ("b", false)] {
                let configuration = laboratory.configuration(#","vlan":100"#)
                let caller = try laboratory.container(id, isOurs ? .inProcess : .reference)
                let added =
                    try isOurs
                    ? caller.ours("bridge", "ADD", configuration) : caller.reference("bridge", "ADD", configuration)
                try #require(added.exitCode == 0, "\(added.text)")
                let name = try CNIResult(json: added.json).interfaces[1].name
                var socket = try RouteSocket()
                let port = try #require(try socket.link(named: name))
                ports.append(try #require(try socket.vlans()[port.index]).description)
            }
            #expect(ports[0] == ports[1] && ports[0] == "100 untagged, 1")
        }
    }

    @Test func aBridgeWithForeignPortsIsNotMadeToFilter() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            guard try BridgeVLANTests.filtersVLANs() else { return }
            let mac = try MACAddress.random()
            try laboratory.change { $0.createBridge("br9", mac: mac) }
            // Ports of ours are all of the default VLAN, as they were.
            #expect(try BridgeVLANTests.attach(laboratory, "a", #""isGateway":true"#).result.exitCode == 0)
            let second = try BridgeVLANTests.attach(laboratory, "b", #""vlan":100"#).result
            #expect(second.exitCode == 0, "\(second.text)")
            #expect(try laboratory.link("br9")?.filteredVLAN == 1)
            #expect(try BridgeVLANTests.hears(laboratory, "a", "10.9.0.2", from: nil))

            try laboratory.change { $0.createBridge("br8", mac: mac) }
            try laboratory.change { $0.create(VirtualLink(.dummy, name: "uplink")) }
            let master = try laboratory.index("br8")
            try laboratory.change { $0.setMaster(.name("uplink"), master) }
            let configuration = laboratory.configuration(#","vlan":100"#).replacing("br9", with: "br8")
            let refused = try laboratory.container("c").ours("bridge", "ADD", configuration)
            #expect(refused.code == 7 && refused.text.contains("has the port uplink"), "\(refused.text)")
            #expect(try laboratory.link("br8")?.filteredVLAN == nil)
        }
    }

    @Test(
        arguments: [
            (#""vlan":4095"#, "expected 0 to 4094"), (#""vlan":-1"#, "expected 0 to 4094"),
            (#""vlan":1,"vlanTrunk":[{"id":2}]"#, "together with vlan"),
            (#""vlanTrunk":[{"minID":2}]"#, "minID and maxID go together"),
            (#""vlanTrunk":[{"minID":9,"maxID":8}]"#, "greater"), (#""vlanTrunk":[{"id":0}]"#, "expected 1 to 4094"),
            (#""vlanTrunk":{}"#, "expected a list"),
        ])
    func numbersThatAreNoVLANsAreRefused(_ keys: String, _ message: String) {
        let text = #"{"cniVersion":"1.1.0","name":"n","type":"bridge",\#(keys)}"#
        let refused = Caller().ours("bridge", "STATUS", text)
        #expect(refused.code == 7 && refused.text.contains(message), "\(refused.text)")
    }

    @Test func framesWithAnotherSenderAreDropped() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let keys = #""isGateway":true,"macspoofchk":true,"nftTable":"own""#
            let (caller, configuration, result) = try BridgeVLANTests.attach(laboratory, "a", keys)
            try #require(result.exitCode == 0, "\(result.text)")
            let free = try BridgeVLANTests.attach(laboratory, "b", #""isGateway":true"#)
            try #require(free.result.exitCode == 0, "\(free.result.text)")
            func sender(_ id: String, _ mac: String) throws {
                let mac = try #require(MACAddress(mac))
                try laboratory.inside(id) { try laboratory.change { $0.setMAC(.name("eth0"), mac) } }
            }
            let previous = Laboratory.previous(configuration, result)
            #expect(caller.ours("bridge", "CHECK", previous) == PluginCall.Outcome())
            #expect(try BridgeVLANTests.hears(laboratory, nil, "10.9.0.1", from: "a"))
            let own = try CNIResult(json: result.json).interfaces[2].mac
            try sender("a", "02:00:00:00:00:99")
            try sender("b", "02:00:00:00:00:98")
            #expect(try !BridgeVLANTests.hears(laboratory, nil, "10.9.0.1", from: "a", false))
            #expect(try BridgeVLANTests.hears(laboratory, nil, "10.9.0.1", from: "b"))
            try sender("a", try #require(own))
            #expect(try BridgeVLANTests.hears(laboratory, nil, "10.9.0.1", from: "a"))

            var socket = try NftablesSocket()
            let table = NftablesTable(.bridge, "own")
            var transaction = NftablesTransaction()
            transaction.flush(NftablesChain("spoof", of: table))
            try socket.commit(transaction)
            #expect(try socket.elements(of: "spoof_macs", in: table)?.map(\.comment) == ["net0/a/eth0"])
            #expect(caller.ours("bridge", "DEL", previous) == PluginCall.Outcome())
            #expect(try socket.elements(of: "spoof_macs", in: table) == [])
            #expect(try socket.elements(of: "spoof_ports", in: table) == [])
        }
    }
}

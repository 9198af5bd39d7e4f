import Base
import CLinux
import CNITypes
import JSON
import Linux
import TestSupport
import Testing

@testable import CNIPlugins
@testable import Netlink

/// Limits of what a container receives and sends, with packets that are sent.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6"))
struct BandwidthTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    /// 1 kB a second, 3 kB at once.
    private static let slow = #""ingressRate":8000,"ingressBurst":24000,"egressRate":8000,"egressBurst":24000"#

    private static func configuration(_ keys: String, version: String = "1.0.0") -> String {
        #"{"cniVersion":"\#(version)","name":"net","type":"bandwidth"\#(keys.isEmpty ? "" : ",")\#(keys)}"#
    }

    /// A container on a bridge of the host, and what `bridge` has said.
    private static func container(_ laboratory: Laboratory, _ id: String) throws -> (Caller, String) {
        let caller = try laboratory.container(id)
        let made = caller.ours("bridge", "ADD", laboratory.configuration(#","isGateway":true"#))
        try #require(made.exitCode == 0, "\(made.text)")
        return (caller, made.text)
    }

    /// How many of 40 datagrams of 1,000 bytes, sent at once, arrive soon.
    private static func arriving(
        _ laboratory: Laboratory, from client: String?, to server: String?, _ address: String
    ) throws -> Int {
        func inside<T: ~Copyable>(_ id: String?, _ body: () throws -> T) throws -> T {
            guard let id else { return try body() }
            let home = try NetworkNamespace.current()
            try NetworkNamespace(path: "\(laboratory.folder)/\(id).netns").enter()
            defer { try? home.enter() }
            return try body()
        }
        let target = NetworkSocket.Endpoint(address, 5000)
        let listener = try inside(server) { try NetworkSocket.server(.udp, target) }
        let socket = try inside(client) { try NetworkSocket(.udp, isIPv6: false) }
        // Neighbours know each other before the limit counts.
        try socket.send("hello", to: target)
        _ = try listener.receive()
        let datagram = String(repeating: "x", count: 1000)
        for _ in 0..<40 { try socket.send(datagram, to: target) }
        var count = 0
        while try listener.isReadable(milliseconds: 500) {
            _ = try listener.receive()
            count += 1
        }
        return count
    }

    @Test func packetsAboveTheLimitAreDroppedInEachDirection() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try BandwidthTests.container(laboratory, "a")
            #expect(try BandwidthTests.arriving(laboratory, from: nil, to: "a", "10.9.0.2") == 40)
            #expect(try BandwidthTests.arriving(laboratory, from: "a", to: nil, "10.9.0.1") == 40)
            let configuration = BandwidthTests.configuration(
                #""runtimeConfig":{"bandwidth":{\#(BandwidthTests.slow)}}"#)
            let added = caller.ours("bandwidth", "ADD", Laboratory.with(configuration, #""prevResult":\#(made)"#))
            try #require(added.exitCode == 0, "\(added.text)")
            for (client, server, address) in [(nil, "a", "10.9.0.2"), ("a", nil, "10.9.0.1")] {
                let count = try BandwidthTests.arriving(laboratory, from: client, to: server, address)
                // A burst, what may wait (as much again), and what the rate gives meanwhile.
                #expect(1...20 ~= count, "\(count)")
            }
        }
    }

    @Test func whatIsLimitedIsCheckedAndGoesWithDEL() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try BandwidthTests.container(laboratory, "a")
            let before = try laboratory.links()
            let configuration = BandwidthTests.configuration(BandwidthTests.slow)
            let call = Laboratory.with(configuration, #""prevResult":\#(made)"#)
            // Once more what was there already: a cut-off ADD leaves it so.
            for _ in 0..<2 {
                let added = caller.ours("bandwidth", "ADD", call)
                try #require(added.exitCode == 0, "\(added.text)")
                let result = try CNIResult(json: added.json)
                let name = OwnedLink(.ifb, network: "net", containerID: "a", interfaceName: "eth0").names[0]
                let block = try #require(try laboratory.link(name))
                #expect(result.interfaces.count == 4 && result.interfaces.last?.name == name)
                #expect(result.interfaces.last?.mac == block.mac?.description && block.isUp)
                #expect(result.interfaces.last?.sandbox == nil)
                let previous = Laboratory.previous(configuration, added)
                #expect(caller.ours("bandwidth", "CHECK", previous) == PluginCall.Outcome())
            }
            let other = Laboratory.with(
                BandwidthTests.configuration(BandwidthTests.slow.replacing("8000", with: "9000")),
                #""prevResult":\#(made)"#)
            #expect(caller.ours("bandwidth", "CHECK", other).text.contains("does not limit"))
            for _ in 0..<2 {
                #expect(caller.ours("bandwidth", "DEL", configuration) == PluginCall.Outcome())
                #expect(try laboratory.links() == before)
            }
            #expect(caller.ours("bandwidth", "CHECK", call).text.contains("gone"))
        }
    }

    @Test func networksCanBeLeftOutOrBeTheOnlyOnes() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try BandwidthTests.container(laboratory, "a")
            for (keys, isLimited) in [
                (#""unshapedSubnets":["10.9.0.0/24","fd00::/8"]"#, false),
                (#""unshapedSubnets":["10.8.0.0/24"]"#, true),
                (#""shapedSubnets":["10.9.0.0/25","0.0.0.0/32"]"#, true), (#""shapedSubnets":["fd00::/64"]"#, false),
                (#""shapedSubnets":["0.0.0.0/0"]"#, true),
            ] {
                let call = BandwidthTests.configuration(BandwidthTests.slow + "," + keys + #","prevResult":\#(made)"#)
                let added = caller.ours("bandwidth", "ADD", call)
                // A kernel without the queue that sorts; nothing is left then.
                if added.code == 2 {
                    #expect(added.text.contains("sch_prio") && added.text.contains("queue prio"))
                    #expect(try BandwidthTests.arriving(laboratory, from: "a", to: nil, "10.9.0.1") == 40)
                    return
                }
                try #require(added.exitCode == 0, "\(keys) \(added.text)")
                #expect(caller.ours("bandwidth", "CHECK", call) == PluginCall.Outcome())
                for (client, server, address) in [(nil, "a", "10.9.0.2"), ("a", nil, "10.9.0.1")] {
                    let count = try BandwidthTests.arriving(laboratory, from: client, to: server, address)
                    #expect(isLimited ? 1...20 ~= count : count == 40, "\(keys): \(count)")
                }
            }
        }
    }

    @Test func theKernelHasTheSameAsFromTheReferencePlugin() async throws {
        guard Caller.hasReference("bandwidth") else { return }
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            var queues: [[TrafficQueue]] = []
            var results: [CNIResult] = []
            for (id, isOurs) in [("a", true), ("b", false)] {
                let (caller, made) = try BandwidthTests.container(laboratory, id)
                let rates = #""ingressRate":1000000,"ingressBurst":800000,"egressRate":3000000,"egressBurst":400000"#
                let call = BandwidthTests.configuration(rates + #","prevResult":\#(made)"#)
                let added =
                    try isOurs ? caller.ours("bandwidth", "ADD", call) : caller.reference("bandwidth", "ADD", call)
                try #require(added.exitCode == 0, "\(added.text)")
                let result = try CNIResult(json: added.json)
                results.append(result)
                var socket = try RouteSocket()
                queues.append([])
                for interface in [result.interfaces[1], try #require(result.interfaces.last)] {
                    let link = try #require(try socket.link(named: interface.name))
                    for var queue in try socket.queues(of: link.index) {
                        queue.index = 0
                        // The kernel rounds.
                        queue.bucket?.ticks /= 100
                        queues[queues.count - 1].append(queue)
                    }
                }
                // Each checks what the other has made.
                if !isOurs { #expect(caller.ours("bandwidth", "CHECK", call).text.contains("gone")) }
            }
            #expect(queues[0] == queues[1] && queues[0].count == 3, "\(queues)")
            #expect(results[0].interfaces.count == results[1].interfaces.count)
            #expect(results[0].interfaces[3].name.hasPrefix("bwp") && results[1].interfaces[3].name.hasPrefix("bwp"))
        }
    }

    @Test func garbageOfEndedContainersGoes() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = BandwidthTests.configuration(BandwidthTests.slow, version: "1.1.0")
            for id in ["a", "b"] {
                let (caller, made) = try BandwidthTests.container(laboratory, id)
                let added = caller.ours("bandwidth", "ADD", Laboratory.with(configuration, #""prevResult":\#(made)"#))
                try #require(added.exitCode == 0, "\(added.text)")
            }
            let before = try laboratory.links()
            let gone = OwnedLink(.ifb, network: "net", containerID: "a", interfaceName: "eth0").names[0]
            let valid = Laboratory.with(
                configuration, #""cni.dev/valid-attachments":[{"containerID":"b","ifname":"eth0"}]"#)
            #expect(laboratory.caller("").ours("bandwidth", "GC", valid) == PluginCall.Outcome())
            #expect(try laboratory.links() == before.filter { $0 != gone } && before.contains(gone))
            #expect(laboratory.caller("").ours("bandwidth", "STATUS", configuration) == PluginCall.Outcome())
        }
    }

    @Test func anADDThatFailsLeavesNothing() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try BandwidthTests.container(laboratory, "a")
            let before = try laboratory.links()
            // The second limit cannot be.
            let keys = #""ingressRate":8000,"ingressBurst":24000,"egressRate":8000,"egressBurst":8000"#
            let failed = caller.ours(
                "bandwidth", "ADD", BandwidthTests.configuration(keys + #","prevResult":\#(made)"#))
            #expect(failed.code == 7 && failed.text.contains("egressBurst") && failed.text.contains("12112"))
            #expect(try laboratory.links() == before)
            #expect(try BandwidthTests.arriving(laboratory, from: nil, to: "a", "10.9.0.2") == 40)
            let nothing = caller.ours("bandwidth", "ADD", BandwidthTests.configuration(#""prevResult":\#(made)"#))
            #expect(nothing.exitCode == 0 && nothing.json["interfaces"]?.arrayValue?.count == 3)
        }
    }

    @Test(
        arguments: [
            (#""ingressRate":8000"#, "ingressRate: it needs ingressBurst"),
            (#""egressBurst":8000"#, "egressBurst: it needs egressRate"),
            (#""egressBurst":-1,"egressRate":1"#, "egressBurst: expected bits"),
            (#""ingressRate":1,"ingressBurst":8000"#, "less than a byte"),
            (#""ingressRate":8000,"ingressBurst":99999999999"#, "more than 4 GB"),
            (slow + #","shapedSubnets":["10.0.0.0/33"]"#, "is no network"),
            (slow + #","shapedSubnets":["10.0.0.0/8"],"unshapedSubnets":["11.0.0.0/8"]"#, "together"),
            (#""runtimeConfig":{"bandwidth":[]}"#, "expected an object"),
        ])
    func whatIsNotValidIsRefused(_ keys: String, _ message: String) {
        let refused = Caller().ours("bandwidth", "STATUS", Self.configuration(keys, version: "1.1.0"))
        #expect(refused.code == 7 && refused.text.contains(message), "\(refused.text)")
    }
}

import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// The plugin and its daemon beside real servers on a bridge. Each test has a host of its own.
@Suite(
    .enabled(
        if: BridgeLaboratory.isPossible && Files.exists("/usr/sbin/dnsmasq"),
        "makes namespaces, with IPv6; needs dnsmasq"))
struct DHCPTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    /// The host of the laboratory with a server on its bridge.
    private struct Network {
        let laboratory: Laboratory
        private let folder: String
        let socket: String

        init(_ folder: String) throws {
            self.folder = folder
            laboratory = try Laboratory(in: folder)
            socket = "\(folder)/dhcp.sock"
            let mac = try MACAddress.random()
            try laboratory.change { $0.createBridge("br9", mac: mac) }
            let index = try laboratory.index("br9")
            try laboratory.change {
                $0.addAddress(InterfaceAddress([10, 9, 0, 1], prefixLength: 24), to: index)
                $0.setUp(.name("lo"))
            }
        }

        /// dnsmasq, which lends for ten minutes.
        func server(_ name: String) throws -> ServerProcess {
            let server = try ServerProcess(
                "/usr/sbin/dnsmasq",
                [
                    "--no-daemon", "--port=0", "--interface=br9", "--bind-dynamic", "--conf-file=/dev/null",
                    "--user=root", "--log-dhcp", "--dhcp-authoritative", "--dhcp-leasefile=\(folder)/server.leases",
                    "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,10m", "--no-ping", "--pid-file",
                ], log: log(name))
            try server.wait(untilItSays: "DHCP, IP range")
            return server
        }

        /// udhcpd, which lends one address for some seconds.
        func briefServer(_ name: String, address: String) throws -> ServerProcess {
            let lines = [
                "start \(address)", "end \(address)", "interface br9", "lease_file \(folder)/\(name).leases",
                "pidfile \(folder)/udhcpd.pid", "min_lease 1", "option lease 4", "option subnet 255.255.255.0",
                "option router 10.9.0.1",
            ]
            try Files.replace("\(folder)/\(name).leases", with: [], durable: false)
            try Files.replace(
                "\(folder)/udhcpd.conf", with: (lines.joined(separator: "\n") + "\n").utf8, durable: false)
            let server = try ServerProcess("/bin/busybox", ["udhcpd", "-f", "\(folder)/udhcpd.conf"], log: log(name))
            try server.wait(untilItSays: "started")
            return server
        }

        func log(_ name: String) -> String { "\(folder)/\(name).log" }

        func daemon(_ name: String = "daemon", timeout: Int = 20) throws -> ServerProcess {
            let daemon = try ServerProcess(
                "\(folder)/program/dhcp", ["daemon", "-socketpath", socket, "-timeout", "\(timeout)"], log: log(name))
            let deadline = BootInstant.now + .seconds(20)
            while true {
                let probe = swl_unix_socket(socket, 0, 0)
                if probe >= 0 {
                    close(probe)
                    return daemon
                }
                guard BootInstant.now < deadline else { throw SystemError("reach", socket, .current) }
                usleep(2000)
            }
        }

        func configuration(_ keys: String = "", version: String = "1.1.0") -> String {
            #"{"cniVersion":"\#(version)","name":"net","type":"bridge","bridge":"br9","#
                + #""ipam":{"type":"dhcp","daemonSocketPath":"\#(socket)"\#(keys)}}"#
        }

        func leases() throws -> String { try Files.readText("\(folder)/server.leases") }

        func records() throws -> [String] { try Files.list(DHCPRecord.folder(socket)) }

        /// Waits until the container's interface has these addresses.
        func wait(for addresses: [String], of id: String) throws {
            let deadline = BootInstant.now + .seconds(30)
            while try laboratory.inside(id, { try laboratory.addresses("eth0") }) != addresses {
                guard BootInstant.now < deadline else { throw SystemError("wait for", "\(addresses)", .again) }
                usleep(5000)
            }
        }
    }

    @Test func aServersAddressIsGivenCheckedAndGivenBack() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let network = try Network(path)
            let server = try network.server("server")
            let daemon = try network.daemon()
            var caller = try network.laboratory.container("a")
            caller.arguments = "IgnoreUnknown=1;K8S_POD_NAME=web"
            let configuration = network.configuration(
                #","provide":[{"option":"host-name","fromArg":"K8S_POD_NAME"},{"option":"60","value":"swift"}],"#
                    + #""request":[{"option":"6"}],"priority":70"#)
            let added = caller.ours("bridge", "ADD", configuration)
            try #require(added.exitCode == 0, "\(added.text)")
            let result = try CNIResult(json: added.json)
            #expect(result.ips.count == 1 && result.ips[0].gateway == "10.9.0.1" && result.ips[0].interface == 2)
            let address = try #require(result.ips.first?.address)
            #expect(address.length == 24 && (50...60).contains(address.address[3]))
            #expect(
                result.routes.map { "\($0.destination) \($0.gateway ?? "") \($0.attributes)" } == [
                    #"0.0.0.0/0 10.9.0.1 ["priority": 70]"#
                ])
            try network.laboratory.inside("a") { () throws in
                #expect(try network.laboratory.addresses("eth0") == ["\(address)"])
                #expect(try network.laboratory.routes().contains("0.0.0.0/0 by 10.9.0.1"))
            }
            // What the server knows of it: name, and identifier.
            let identifier = ([0] + Array("a/net/eth0".utf8)).map { String(Int($0) + 256, radix: 16).dropFirst() }
                .joined(separator: ":")
            let leases = try network.leases()
            #expect(leases.contains("\(address.addressText) web \(identifier)"), "\(leases)")
            let said = try Files.readText(network.log("server"))
            #expect(said.contains("vendor class: swift") && said.contains("6:dns-server"), "\(said)")

            let previous = Laboratory.previous(configuration, added)
            #expect(caller.ours("bridge", "CHECK", previous) == PluginCall.Outcome())
            #expect(caller.ours("dhcp", "STATUS", configuration) == PluginCall.Outcome())
            #expect(try network.records() == ["net,a,eth0"])
            for _ in 0..<2 { #expect(caller.ours("bridge", "DEL", previous) == PluginCall.Outcome()) }
            try server.wait(untilItSays: "DHCPRELEASE")
            // It says so before it writes.
            let deadline = BootInstant.now + .seconds(20)
            while try !network.leases().isEmpty, BootInstant.now < deadline { usleep(2000) }
            #expect(try network.leases().isEmpty && network.records().isEmpty)
            #expect(caller.ours("dhcp", "CHECK", previous).code == 999)
            withExtendedLifetime(daemon) {}
        }
    }

    @Test func aLeaseIsRenewedAlsoByADaemonThatIsStartedAnew() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let network = try Network(path)
            let server = try network.briefServer("server", address: "10.9.0.50")
            var daemon: ServerProcess? = try network.daemon()
            let caller = try network.laboratory.container("a")
            let added = caller.ours("bridge", "ADD", network.configuration())
            try #require(added.exitCode == 0, "\(added.text)")
            let grant = "udhcpd: sending ACK to 10.9.0.50\n"
            try server.wait(untilItSays: grant + grant)
            // Killed: its leases are on record.
            daemon = nil
            let grants = try Files.readText(network.log("server")).split(separator: "\n").count { $0 + "\n" == grant }
            daemon = try network.daemon("daemon2")
            try server.wait(untilItSays: String(repeating: grant, count: grants + 1))
            let previous = Laboratory.previous(network.configuration(), added)
            #expect(caller.ours("bridge", "CHECK", previous) == PluginCall.Outcome())
            // A container that is gone is not asked for any more.
            try network.laboratory.removeNamespace("a")
            let deadline = BootInstant.now + .seconds(30)
            while try !network.records().isEmpty, BootInstant.now < deadline { usleep(5000) }
            #expect(try network.records().isEmpty)
            withExtendedLifetime(daemon) {}
        }
    }

    @Test func anAddressThatTheServerTakesAwayIsReplaced() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let network = try Network(path)
            var server: ServerProcess? = try network.briefServer("first", address: "10.9.0.50")
            let daemon = try network.daemon()
            let caller = try network.laboratory.container("a")
            let added = caller.ours("bridge", "ADD", network.configuration())
            try #require(added.exitCode == 0, "\(added.text)")
            try network.wait(for: ["10.9.0.50/24"], of: "a")
            // Killed, before the next one begins.
            server = nil
            server = try network.briefServer("second", address: "10.9.0.70")
            try network.wait(for: ["10.9.0.70/24"], of: "a")
            let routes = try network.laboratory.inside("a") { try network.laboratory.routes() }
            #expect(routes.contains("0.0.0.0/0 by 10.9.0.1"))
            withExtendedLifetime((server, daemon)) {}
        }
    }

    @Test func withoutServerOrDaemonItIsSaidAndNothingIsLeft() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let network = try Network(path)
            let caller = try network.laboratory.container("a")
            let configuration = network.configuration()
            let before = try network.laboratory.links()
            let unreachable = caller.ours("bridge", "ADD", configuration)
            #expect(unreachable.code == 50 && unreachable.text.contains("systemctl start"), "\(unreachable.text)")
            #expect(caller.ours("bridge", "STATUS", configuration).code == 50)
            #expect(caller.ours("bridge", "DEL", configuration) == PluginCall.Outcome())
            let daemon = try network.daemon(timeout: 1)
            let silent = caller.ours("bridge", "ADD", configuration)
            #expect(silent.code == 11 && silent.text.contains("no DHCP server"), "\(silent.text)")
            #expect(try network.laboratory.links() == before)
            // Whatever else is sent to it, it goes on.
            for text in ["", "{", #"{"environment":3}"#, String(repeating: "[", count: 5000), "null"] {
                let socket = FileDescriptor(adopting: swl_unix_socket(network.socket, 0, 0))
                try socket.writeAll(text.utf8)
                shutdown(socket.raw, Int32(SHUT_WR))
                #expect(try String(decoding: socket.readAll(limit: 4096), as: UTF8.self).contains("\"code\""))
            }
            #expect(caller.ours("dhcp", "STATUS", configuration) == PluginCall.Outcome())
            withExtendedLifetime(daemon) {}
        }
    }

    @Test func garbageOfEndedContainersGoesWithAndWithoutDaemon() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let network = try Network(path)
            let server = try network.server("server")
            var daemon: ServerProcess? = try network.daemon()
            let configuration = network.configuration()
            for id in ["a", "b", "c"] {
                let added = try network.laboratory.container(id).ours("bridge", "ADD", configuration)
                try #require(added.exitCode == 0, "\(added.text)")
            }
            func collect(_ valid: String) -> PluginCall.Outcome {
                let list = Laboratory.with(configuration, #""cni.dev/valid-attachments":[\#(valid)]"#)
                return network.laboratory.caller("").ours("dhcp", "GC", list)
            }
            let both = #"{"containerID":"b","ifname":"eth0"},{"containerID":"c","ifname":"eth0"}"#
            #expect(collect(both) == PluginCall.Outcome())
            #expect(try network.records() == ["net,b,eth0", "net,c,eth0"])
            try server.wait(untilItSays: "DHCPRELEASE")
            daemon = nil
            #expect(collect(#"{"containerID":"c","ifname":"eth0"}"#) == PluginCall.Outcome())
            #expect(try network.records() == ["net,c,eth0"])
            withExtendedLifetime(daemon) {}
        }
    }

    @Test(
        arguments: [
            (#","provide":[{"option":"nothing","value":"x"}]"#, "is none of"),
            (#","provide":[{"option":"53","value":"x"}]"#, "is none of"), (#","request":{}"#, "expected a list"),
            (#","priority":-1"#, "cannot be a route's"), (#","daemonSocketPath":"relative""#, "no absolute path"),
        ])
    func whatIsNotValidIsRefused(_ keys: String, _ message: String) {
        let text = #"{"cniVersion":"1.1.0","name":"n","type":"bridge","ipam":{"type":"dhcp"\#(keys)}}"#
        let refused = Caller().ours("dhcp", "STATUS", text)
        #expect(refused.code == 7 && refused.text.contains(message), "\(refused.text)")
    }
}

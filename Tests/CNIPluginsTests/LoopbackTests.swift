import Base
import CLinux
import CNITypes
import JSON
import Linux
import TestSupport
import Testing

@testable import CNIPlugins

@Suite(.enabled(if: geteuid() == 0, "makes namespaces")) struct LoopbackTests {
    private static func call(_ command: String, _ netns: String, _ version: String, _ more: String = "")
        -> PluginCall.Outcome
    {
        let variables = [
            "CNI_COMMAND": command, "CNI_CONTAINERID": "c1", "CNI_NETNS": netns, "CNI_IFNAME": "eth0",
        ]
        return PluginCall.run(Loopback(), variables: variables) { () throws(SystemError) in
            Array(#"{"cniVersion":"\#(version)","name":"n","type":"loopback"\#(more)}"#.utf8)
        }
    }

    private static func text(_ outcome: PluginCall.Outcome) -> String {
        String(decoding: outcome.output, as: UTF8.self)
    }

    /// Mounts a new network namespace on a file of `folder`, in a private mount namespace, and leaves this thread in
    /// another new one.
    private static func makeNamespace(in folder: String) throws -> String {
        let path = folder + "/netns"
        try Namespaces.mount.unshare()
        try Namespaces.makeMountsPrivate()
        try Files.replace(path, with: [], durable: false)
        try Namespaces.network.unshare()
        try retrying("mount", path) { mount("/proc/thread-self/ns/net", path, nil, UInt(MS_BIND), nil) }
        try Namespaces.network.unshare()
        return path
    }

    @Test func loIsSetUpCheckedAndSetDownInTheContainersNamespaceAlone() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try LoopbackTests.runAllCalls(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func runAllCalls(in folder: String) throws {
        let netns = try makeNamespace(in: folder)
        let check = call("CHECK", netns, "1.0.0")
        #expect(check.exitCode == 1 && text(check).contains("is down"))

        let add = call("ADD", netns, "1.0.0")
        #expect(add.exitCode == 0)
        let result = text(add)
        let interface = #"{"name":"lo","mac":"00:00:00:00:00:00","sandbox":"\#(netns)"}"#
        // A kernel may be without IPv6.
        let six = Files.exists("/proc/sys/net/ipv6") ? #",{"interface":0,"address":"::1/128"}"# : ""
        #expect(
            result
                == #"{"cniVersion":"1.0.0","interfaces":[\#(interface)],"#
                + #""ips":[{"interface":0,"address":"127.0.0.1/8"}\#(six)]}"# + "\n")
        #expect(try InterfaceState.read("lo")?.isUp == false, "the plugin's own namespace is as it was")

        let previous = #","prevResult":\#(result)"#
        #expect(call("CHECK", netns, "1.0.0", previous) == PluginCall.Outcome())
        let stranger = previous.replacing("127.0.0.1", with: "127.0.0.9")
        #expect(text(call("CHECK", netns, "1.0.0", stranger)).contains("127.0.0.9/8"))
        #expect(call("ADD", netns, "1.0.0").exitCode == 0, "again")

        #expect(call("DEL", netns, "1.0.0", previous) == PluginCall.Outcome())
        #expect(call("CHECK", netns, "1.0.0").exitCode == 1)
        #expect(call("DEL", netns, "1.0.0", previous) == PluginCall.Outcome(), "again")
        // The file is what is left when the mount is gone.
        try retrying("umount", netns) { umount2(netns, Int32(MNT_DETACH)) }
        #expect(call("DEL", netns, "1.0.0", previous) == PluginCall.Outcome())
        #expect(call("ADD", netns, "1.0.0").exitCode == 1)
    }

    @Test func aPreviousResultIsPassedThrough() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try LoopbackTests.passPreviousResult(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func passPreviousResult(in folder: String) throws {
        let netns = try makeNamespace(in: folder)
        let previous = #"{"cniVersion":"0.3.1","ips":[{"version":"4","address":"10.1.0.5/16"}],"dns":{}}"#
        let outcome = call("ADD", netns, "0.3.1", #","prevResult":\#(previous)"#)
        #expect(text(outcome) == previous + "\n")
        #expect(call("CHECK", netns, "1.0.0") == PluginCall.Outcome())
    }
}

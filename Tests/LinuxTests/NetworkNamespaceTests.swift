import Base
import CLinux
import TestSupport
import Testing

@testable import Linux

@Suite(.enabled(if: geteuid() == 0, "makes namespaces")) struct NetworkNamespaceTests {
    @Test func oneThatIsMadeIsAnotherWithLoUpAndIsHeldByItsMountAlone() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try NetworkNamespaceTests.makeAndRemove(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func makeAndRemove(in folder: String) throws {
        try Namespaces.mount.unshare()
        try Namespaces.makeMountsPrivate()
        let path = folder + "/netns"
        let home = try NetworkNamespace.current()
        try NetworkNamespace.create(at: path)
        let made = try NetworkNamespace(path: path)
        precondition(!made.isSame(as: home), "it is the one of before")
        let here = try NetworkNamespace.current()
        precondition(here.isSame(as: home), "this thread is elsewhere")
        // What is there already is not mounted over.
        do {
            try NetworkNamespace.create(at: path)
            preconditionFailure("it was made twice")
        } catch {
            precondition(error.errno == .exists, "\(error)")
        }
        try made.enter()
        let flags = try Files.readText("/proc/net/dev")
        precondition(flags.contains("lo:"), flags)
        precondition(swl_interface_up("lo") == 0)
        let guarded = try Files.readText("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        precondition(guarded == "0", "low ports are guarded")
        try home.enter()
        try NetworkNamespace.remove(at: path)
        precondition(!Files.exists(path), "the file is left")
        let mounts = try Files.readText("/proc/self/mountinfo")
        precondition(!mounts.contains(path), "the mount is left")
        // Of what is gone, or never was a mount, nothing is left either.
        try NetworkNamespace.remove(at: path)
        try Files.replace(path, with: [], durable: false)
        try NetworkNamespace.remove(at: path)
        precondition(!Files.exists(path), "the file is left")
    }
}

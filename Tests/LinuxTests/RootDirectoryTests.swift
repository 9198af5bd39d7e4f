import Base
import CLinux
import Synchronization
import TestSupport
import Testing

@testable import Linux

@Suite struct RootDirectoryTests {
    private func fixture() throws -> (TemporaryDirectory, RootDirectory) {
        let folder = try TemporaryDirectory()
        try folder.write("root/etc/file", "inside")
        try folder.write("secret", "outside")
        return (folder, try RootDirectory.open(folder.path + "/root"))
    }

    private func read(_ root: RootDirectory, _ path: String) throws -> String {
        String(decoding: try root.readFile(path, limit: 100) ?? Array("nothing".utf8), as: UTF8.self)
    }

    @Test(arguments: ["../secret", "../../../../../../etc/hostname", "/../secret", "etc/../../secret"])
    func dotsDoNotLeadOut(_ path: String) throws {
        let (_, root) = try fixture()
        #expect(try read(root, path) == "nothing")
    }

    @Test func linksAreFollowedInside() throws {
        let (folder, root) = try fixture()
        #expect(symlink("/etc/file", folder.path + "/root/absolute") == 0)
        #expect(symlink("../../../secret", folder.path + "/root/up") == 0)
        #expect(symlink(folder.path + "/secret", folder.path + "/root/host") == 0)
        #expect(symlink("/proc/self/fd/0", folder.path + "/root/magic") == 0)
        #expect(try read(root, "/absolute") == "inside")
        for name in ["up", "host", "magic"] { #expect(try read(root, name) == "nothing") }
        #expect(throws: SystemError.self) { _ = try root.open("/absolute", O_RDONLY, links: .refuse) }
    }

    @Test func onlyRegularFilesOfTheAllowedSizeAreRead() throws {
        let (folder, root) = try fixture()
        #expect(mkfifo(folder.path + "/root/fifo", 0o644) == 0)
        try folder.write("root/big", String(repeating: "x", count: 101))
        for path in ["/fifo", "/big", "/etc"] {
            #expect(throws: SystemError.self, "\(path)") { try root.readFile(path, limit: 100) }
        }
        #expect(try root.readFile("/etc/file/below", limit: 100) == nil)
    }

    @Test func foldersAndFilesAreMadeInside() throws {
        let (folder, root) = try fixture()
        #expect(symlink("../../..", folder.path + "/root/out") == 0)
        #expect(symlink("/etc", folder.path + "/root/in") == 0)
        #expect(symlink("/nowhere/at/all", folder.path + "/root/dangling") == 0)
        _ = try root.makeDirectories("/out/a/b/c", mode: 0o700)
        _ = try root.makeFile("/in/deep/file")
        #expect(Files.isDirectory(folder.path + "/root/a/b/c"))
        #expect(Files.exists(folder.path + "/root/etc/deep/file"))
        #expect(throws: SystemError.self) { _ = try root.makeDirectories("/new/../../x") }
        #expect(throws: SystemError.self) { _ = try root.makeDirectories("/etc/file/x") }
        #expect(try Files.list(folder.path) == ["root", "secret"])
    }

    @Test func linksToNowhereLeadToTheirPlaceInside() throws {
        let (folder, root) = try fixture()
        for (target, link) in [
            ("../run/resolve/stub", "etc/resolv.conf"), ("/nowhere/at/all", "dangling"), ("self", "self"),
            ("../../../../../elsewhere", "up"), ("/proc/self/fd/9", "magic"), ("b/../../x", "dots"),
        ] {
            #expect(symlink(target, folder.path + "/root/" + link) == 0)
        }
        _ = try root.makeFile("/etc/resolv.conf")
        _ = try root.makeDirectories("/dangling/x")
        _ = try root.makeFile("/up")
        _ = try root.makeDirectories("/magic")
        for name in ["run/resolve/stub", "nowhere/at/all/x", "elsewhere", "proc/self/fd/9"] {
            #expect(Files.exists(folder.path + "/root/" + name), "\(name)")
        }
        #expect(throws: SystemError.self) { _ = try root.makeFile("/self") }
        #expect(throws: SystemError.self) { _ = try root.makeDirectories("/dots") }
        #expect(throws: SystemError.self) {
            _ = try root.makeFile("/missing", links: .refuse); _ = try root.makeFile("/dangling2/x", links: .refuse);
            _ = try root.makeFile("/self", links: .refuse)
        }
        #expect(try Files.list(folder.path) == ["root", "secret"])
    }

    private final class Flag: Sendable {
        let value = Atomic(false)
    }

    /// Who may rename in a volume puts a folder of another container in place of the one that was just made.
    @Test func whatIsPutInPlaceOfANewFolderKeepsItsOwner() throws {
        let (folder, root) = try fixture()
        let path = folder.path + "/root"
        let isEnding = Flag()
        let thread = try Threads.start("swapping") {
            let exchange: UInt32 = 2  // RENAME_EXCHANGE
            while !isEnding.value.load(ordering: .relaxed) {
                _ = swl_renameat2(AT_FDCWD, path + "/etc", AT_FDCWD, path + "/new", exchange)
            }
        }
        for _ in 0..<3000 {
            _ = try? root.makeDirectories("/new", owner: (uid: 4242, gid: 4242))
            for name in ["new", "etc"] { rmdir("\(path)/\(name)") }
        }
        isEnding.value.store(true, ordering: .relaxed)
        pthread_join(thread, nil)
        let found = Files.exists(path + "/etc/file") ? "etc" : "new"
        var status = stat()
        #expect(stat("\(path)/\(found)", &status) == 0)
        #expect(status.st_uid == geteuid())
    }
}

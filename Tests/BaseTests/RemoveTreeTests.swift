import Base
import CLinux
import TestSupport
import Testing

@Suite struct RemoveTreeTests {
    @Test func aTreeDeeperThanTheDescriptorsAreManyIsRemoved() throws {
        let folder = try TemporaryDirectory()
        let root = folder.path + "/tree"
        try Files.makeDirectories(root + "/.removing-1/x")
        var at = try FileDescriptor.open(root, O_RDONLY | O_DIRECTORY)
        for _ in 0..<3000 {
            #expect(mkdirat(at.raw, "d", 0o700) == 0)
            at = try at.open(at: "d", O_RDONLY | O_DIRECTORY)
            let file = try at.open(at: "f", O_WRONLY | O_CREAT, mode: 0o600)
            _ = file.raw
        }
        try Files.removeTree(root)
        #expect(!Files.exists(root))
    }

    @Test func aFolderWiderThanABatchIsRemoved() throws {
        let folder = try TemporaryDirectory()
        for n in 0..<2500 { try folder.write("tree/\(n)", "") }
        try Files.removeTree(folder.path + "/tree")
        #expect(try Files.list(folder.path) == [])
    }

    @Test func aNameThatIsNotTextIsRemoved() throws {
        let folder = try TemporaryDirectory()
        try Files.makeDirectories(folder.path + "/tree")
        let tree = try FileDescriptor.open(folder.path + "/tree", O_RDONLY | O_DIRECTORY)
        #expect(mkdirat(tree.raw, [CChar(bitPattern: 0xFF), CChar(bitPattern: 0xC3), 0], 0o700) == 0)
        try Files.removeTree(folder.path + "/tree")
        #expect(try Files.list(folder.path) == [])
    }

    @Test func aLinkInTheTreeIsRemovedAndItsTargetStays() throws {
        let folder = try TemporaryDirectory()
        try folder.write("outside/file", "keep")
        try folder.write("tree/file", "x")
        #expect(symlink(folder.path + "/outside", folder.path + "/tree/link") == 0)
        try Files.removeTree(folder.path + "/tree")
        #expect(try Files.readText(folder.path + "/outside/file") == "keep")
    }

    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func aMountInTheTreeStopsTheRemovalAndWhatIsBehindItStays() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryDirectory()
            try folder.write("outside/file", "keep")
            try folder.write("tree/mount/x", "")
            try retrying("unshare", "mounts") { swl_unshare(CLONE_NEWNS) }
            try retrying("mount", "/") { mount("none", "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil) }
            try retrying("mount", "bind") {
                mount(folder.path + "/outside", folder.path + "/tree/mount", nil, UInt(MS_BIND), nil)
            }
            #expect(throws: SystemError("remove", folder.path + "/tree/mount", .busy)) {
                try Files.removeTree(folder.path + "/tree")
            }
            #expect(try Files.readText(folder.path + "/outside/file") == "keep")
            #expect(umount2(folder.path + "/tree/mount", Int32(MNT_DETACH)) == 0)
        }
    }
}

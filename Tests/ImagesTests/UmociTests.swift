import Base
import CLinux
import TestSupport
import Testing

@testable import Images

@Suite(
    "Beside umoci unpack", .enabled(if: isRoot, "needs root"),
    .enabled(if: Files.exists("/usr/bin/umoci"), "needs umoci"))
struct UmociTests {
    private static let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

    /// Everything odd that umoci, too, takes.
    private static let base = TestLayer {
        $0.directory("./", modified: 1_500_000_000)
        $0.directory("dir/", mode: 0o1777, uid: 3, gid: 4)
        $0.add(
            "dir/set-id", content: [1, 2, 3], mode: 0o6755, uid: 7, gid: 8, xattrs: [("user.a", [0, 255, 1])],
            pax: [("mtime", "1700000000.123456789")])
        $0.add("dir/ping", content: [4], mode: 0o755, uid: 9, xattrs: [("security.capability", capability)])
        $0.add("dir/trusted", type: "5", mode: 0o700, xattrs: [("trusted.x", [5]), ("user.y", Array("z".utf8))])
        $0.add("soft", type: "2", link: "dir/set-id", uid: 5, gid: 6, modified: 1_600_000_001)
        $0.add("dangling", type: "2", link: "/no/where")
        $0.add("hard", type: "1", link: "dir/set-id")
        $0.add("hard-to-soft", type: "1", link: "soft")
        $0.add("pipe", type: "6", mode: 0o620, uid: 4)
        $0.add("null", type: "3", mode: 0o666, gid: 5, device: (1, 3))
        $0.add("disk", type: "4", mode: 0o640, uid: 1, modified: 1_600_000_002, device: (259, 65_537))
        $0.add("hard-to-disk", type: "1", link: "disk")
        $0.file("new\nline", "1")
        $0.file("with space ümlaut", "2", mode: 0)
        $0.file(String(repeating: "n", count: 255), "3")
        for depth in 1...40 { $0.directory(String(repeating: "deeper/", count: depth)) }
        $0.file(String(repeating: "deeper/", count: 40) + "file", "4")
        $0.add("big", content: (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        $0.file("empty", "")
        $0.add("huge-owner", content: [6], uid: 4_000_000_000, gid: 3_000_000_000)
        $0.add("old", content: [7], modified: -86400)
        $0.directory("closed/", mode: 0)
        $0.add(
            "sparse", content: [1, 2],
            pax: [("GNU.sparse.size", "5000"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.map", "0,1,4999,1")])
        $0.file("twice", "first")
        $0.file("twice", "second", mode: 0o600)
        $0.file("gone", "x")
        $0.directory("gone-dir/", modified: 1_550_000_000)
        $0.file("gone-dir/x", "x")
        $0.directory("opaque/", mode: 0o711)
        $0.file("opaque/x", "x")
        $0.file("to-folder", "x")
        $0.directory("to-file/")
        $0.file("to-file/x", "x")
        $0.directory("touched/", mode: 0o755)
        $0.file("touched/kept", "x")
    }

    private static let top = TestLayer {
        $0.directory("./", mode: 0o751, modified: 1_500_000_007)
        $0.add(".wh.gone")
        $0.directory("gone-dir/", mode: 0o701, modified: 1_550_000_001)
        $0.add("gone-dir/.wh.x")
        $0.directory("opaque/", mode: 0o712, modified: 1_550_000_002)
        $0.add("opaque/.wh..wh..opq")
        $0.file("opaque/new", "y")
        $0.directory("to-folder/")
        $0.file("to-folder/y", "y")
        $0.file("to-file", "y")
        $0.directory("touched/", mode: 0o700, uid: 1, gid: 2, modified: 1_550_000_003)
        $0.add("pair", content: [1], mode: 0o4711)
        $0.add("pair2", type: "1", link: "pair")
    }

    @Test("an image of all that is odd is the same tree: mode, owner, attributes, links, times, content")
    func same() async throws {
        let fixture = try StoreFixture()
        let folder = fixture.folder.path
        let archive = try fixture.folder.write(
            "odd.tar", ArchiveBuilder.oci([TestImage("1.0", [Self.base, Self.top])]))
        try Files.makeDirectories(folder + "/layout")
        try #require(try runProgram("/usr/bin/tar", ["-C", folder + "/layout", "-xf", archive]) == 0)
        try #require(
            try runProgram(
                "/usr/bin/umoci", ["raw", "unpack", "--image", folder + "/layout:1.0", folder + "/umoci"]) == 0)
        let wanted = try TreeListing(folder + "/umoci").lines
        #expect(wanted.count > 70)
        let expected = try fixture.folder.write("wanted", wanted.joined(separator: "\n"))
        let image = try #require(try fixture.store.importArchive(archive).first)
        try Files.makeDirectories(folder + "/target")
        let (lower, target) = (image.layerPaths.joined(separator: ":"), folder + "/target")
        await #expect(processExitsWith: .success) {
            [lower = lower as String, target = target as String, expected = expected as String] in
            let differences = try TreeListing.differences(lower, target, expected)
            #expect(differences == [])
        }
    }
}

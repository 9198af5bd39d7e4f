import Base
import CLinux
import TestSupport
import Testing

@testable import Images

@Suite("Layers under overlayfs", .enabled(if: isRoot, "needs root"))
struct OverlayTests {
    /// Mounts the layers in a mount namespace of this process and lists everything, with file contents and modes.
    static func merged(_ lower: String, at target: String) throws -> [String] {
        guard swl_unshare(CLONE_NEWNS) == 0 else { throw SystemError("unshare", "mount namespace") }
        guard mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0 else {
            throw SystemError("mount", "/ private")
        }
        guard mount("overlay", target, "overlay", UInt(MS_RDONLY), "lowerdir=\(lower)") == 0 else {
            throw SystemError("mount", "overlay \(lower)")
        }
        return try list(target, "")
    }

    private static func list(_ folder: String, _ prefix: String) throws -> [String] {
        var lines: [String] = []
        for name in try Files.list(folder) {
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else {
                lines.append("\(prefix)\(name): listed, but not there")
                continue
            }
            if swl_is_dir(status.st_mode) {
                lines.append("\(prefix)\(name)/ \(String(status.st_mode & 0o7777, radix: 8)) \(status.st_uid)")
                lines += try list(path, "\(prefix)\(name)/")
            } else {
                lines.append("\(prefix)\(name)=" + (try Files.readText(path)))
            }
        }
        return lines
    }

    /// Loads layers (the lowest first) and compares what overlayfs shows of them.
    private func expect(
        _ layers: [TestLayer], _ expected: [String], location: SourceLocation = #_sourceLocation
    ) async throws {
        let fixture = try StoreFixture()
        let paths = try fixture.layers(layers)
        // With one layer overlayfs wants a second: an empty one.
        try Files.makeDirectories(fixture.folder.path + "/empty")
        try Files.makeDirectories(fixture.folder.path + "/target")
        let lower = (paths + [fixture.folder.path + "/empty"]).joined(separator: ":")
        let target = fixture.folder.path + "/target"
        let wanted = expected.joined(separator: "\n")
        await #expect(processExitsWith: .success, sourceLocation: location) {
            [lower = lower as String, target = target as String, wanted = wanted as String] in
            let shown = try OverlayTests.merged(lower, at: target).joined(separator: "\n")
            #expect(shown == wanted)
        }
    }

    private static let base = TestLayer {
        $0.file("gone", "1")
        $0.file("keep", "1")
        $0.directory("dir/", mode: 0o750, uid: 3)
        $0.file("dir/a", "1")
        $0.file("dir/b", "1")
        $0.directory("opaque/")
        $0.file("opaque/x", "1")
        $0.directory("swap/")
        $0.file("swap/old", "1")
        $0.file("becomes-dir", "1")
        $0.directory("becomes-file/")
        $0.file("becomes-file/x", "1")
    }

    @Test("whiteouts hide, opaque folders begin anew, kinds change")
    func whiteouts() async throws {
        let upper = TestLayer {
            $0.add(".wh.gone")
            $0.add("dir/.wh.a")
            $0.file("opaque/new", "2")
            $0.add("opaque/.wh.x")
            $0.add("opaque/sub/.wh.y")
            $0.add("opaque/.wh..wh..opq")
            $0.add(".wh.swap")
            $0.directory("swap/")
            $0.file("swap/new", "2")
            $0.directory("becomes-dir/")
            $0.file("becomes-dir/x", "2")
            $0.file("becomes-file", "2")
            $0.add(".wh.keep")
            $0.file("keep", "2")
        }
        try await expect(
            [Self.base, upper],
            [
                "becomes-dir/ 755 0", "becomes-dir/x=2", "becomes-file=2", "dir/ 750 3", "dir/b=1", "keep=2",
                "opaque/ 755 0", "opaque/new=2", "opaque/sub/ 755 0", "swap/ 755 0", "swap/new=2",
            ])
    }

    @Test("the order of marks and entries in a layer does not matter")
    func order() async throws {
        let upper = TestLayer {
            $0.file("swap/new", "2")
            $0.add(".wh.swap")
            $0.add("opaque/.wh..wh..opq")
            $0.file("opaque/new", "2")
            $0.file("gone", "2")
            $0.add(".wh.gone")
            $0.add(".wh.dir")
            $0.add(".wh.becomes-dir")
            $0.add(".wh.becomes-file")
        }
        try await expect(
            [Self.base, upper],
            ["gone=2", "keep=1", "opaque/ 755 0", "opaque/new=2", "swap/ 755 0", "swap/new=2"])
    }

    @Test("folders that a layer only passes through look as below")
    func implied() async throws {
        let upper = TestLayer { $0.file("dir/deep/er/c", "2") }
        let top = TestLayer { $0.file("dir/deep/d", "3") }
        try await expect(
            [Self.base, upper, top].map { $0 },
            [
                "becomes-dir=1", "becomes-file/ 755 0", "becomes-file/x=1", "dir/ 750 3", "dir/a=1", "dir/b=1",
                "dir/deep/ 755 0", "dir/deep/d=3", "dir/deep/er/ 755 0", "dir/deep/er/c=2", "gone=1", "keep=1",
                "opaque/ 755 0", "opaque/x=1", "swap/ 755 0", "swap/old=1",
            ])
    }

    @Test("devices are made as they are, and hide nothing")
    func devices() async throws {
        let layer = TestLayer {
            $0.add("null", type: "3", mode: 0o666, device: (1, 3))
            $0.add("dir", type: "4", mode: 0o600, device: (7, 2))
        }
        let fixture = try StoreFixture()
        let path = try fixture.layers([layer])[0]
        #expect(status(path + "/null").map { swl_is_char($0.st_mode) && $0.st_rdev == swl_makedev(1, 3) } == true)
        #expect(status(path + "/dir").map { swl_is_block($0.st_mode) && $0.st_rdev == swl_makedev(7, 2) } == true)
        // A folder in a device's place begins anew only where something was hidden.
        try await expect(
            [
                TestLayer {
                    $0.directory("null/", modified: 1)
                    $0.file("null/below", "x")
                },
                TestLayer {
                    $0.add("null", type: "3", mode: 0o666, device: (1, 3))
                    $0.directory("null/", modified: 1)
                },
            ], ["null/ 755 0", "null/below=x"])
    }

    @Test("an opaque root hides all layers below")
    func opaqueRoot() async throws {
        let upper = TestLayer {
            $0.add(".wh..wh..opq")
            $0.file("only", "2")
        }
        try await expect([Self.base, upper], ["only=2"])
    }

    @Test("a layer that comes twice is mounted once")
    func twice() async throws {
        let middle = TestLayer { $0.add(".wh.file") }
        let layer = TestLayer { $0.file("file", "1") }
        try await expect([layer, middle, layer], ["file=1"])
    }

    @Test("whiteouts of what was never there do not show")
    func pointless() async throws {
        let lowest = TestLayer {
            $0.add("a/.wh.nothing")
            $0.file("a/b", "1")
        }
        let upper = TestLayer { $0.add("c/.wh.nothing") }
        try await expect([lowest, upper], ["a/ 755 0", "a/b=1", "c/ 755 0"])
    }

    @Test("the same layer on other layers takes its folders' attributes from those")
    func sharing() throws {
        let fixture = try StoreFixture()
        let top = TestLayer { $0.file("dir/file", "1") }
        let bottoms = [0o700, 0o711].map { mode in TestLayer { $0.directory("dir/", mode: mode) } }
        for (n, bottom) in bottoms.enumerated() {
            let image = try fixture.load(ArchiveBuilder.oci([TestImage("x:\(n)", [bottom, top])]))[0]
            #expect(status(image.layerPaths[0] + "/dir")?.st_mode == mode_t(S_IFDIR) | (n == 0 ? 0o700 : 0o711))
        }
    }
}

import Base
import CLinux
import OCI
import TestSupport
import Testing

@testable import Images

private let haveTools = ["/usr/bin/skopeo", "/usr/bin/umoci", "/usr/bin/busybox"].allSatisfy(Files.exists)

@Suite(
    "Archives of other tools", .enabled(if: isRoot, "needs root"),
    .enabled(if: haveTools, "needs skopeo, umoci and busybox"))
struct ToolTests {
    /// An image of busybox in an OCI layout, made by umoci; the layout's path.
    private func layout(_ folder: String) throws -> String {
        let layout = folder + "/layout"
        let bundle = folder + "/bundle"
        func run(_ arguments: [String]) throws {
            try #require(try runProgram("/usr/bin/umoci", arguments) == 0, "umoci \(arguments)")
        }
        try run(["init", "--layout", layout])
        try run(["new", "--image", layout + ":1.0"])
        try run(["unpack", "--image", layout + ":1.0", bundle])
        try Files.makeDirectories(bundle + "/rootfs/bin")
        try Files.makeDirectories(bundle + "/rootfs/etc")
        try Files.replace(
            bundle + "/rootfs/bin/busybox", with: Files.read("/usr/bin/busybox"), mode: 0o755, durable: false)
        try Files.replace(bundle + "/rootfs/etc/old", with: [1], durable: false)
        try #require(symlink("busybox", bundle + "/rootfs/bin/sh") == 0)
        try run(["repack", "--refresh-bundle", "--image", layout + ":1.0", bundle])
        // A second layer that takes something away.
        _ = try Files.remove(bundle + "/rootfs/etc/old")
        try Files.replace(bundle + "/rootfs/etc/new", with: [2], durable: false)
        try run(["repack", "--image", layout + ":1.0", bundle])
        try run(["config", "--image", layout + ":1.0", "--config.cmd", "/bin/sh", "--config.user", "1000:1000"])
        return layout
    }

    private func copy(_ from: String, _ to: String, _ options: [String] = []) throws {
        try #require(
            try runProgram("/usr/bin/skopeo", ["--insecure-policy", "copy", "-q"] + options + [from, to]) == 0,
            "skopeo \(from) \(to)")
    }

    @Test("OCI and docker archives of skopeo, gzip and zstd, give the same image")
    func archives() throws {
        let fixture = try StoreFixture()
        let folder = fixture.folder.path
        let layout = "oci:" + (try layout(folder)) + ":1.0"
        try copy(layout, "oci-archive:\(folder)/oci.tar:example.com/busybox:oci")
        try copy(layout, "docker-archive:\(folder)/docker.tar:example.com/busybox:docker")
        try copy(layout, "oci:\(folder)/zstd:1", ["--dest-compress", "--dest-compress-format", "zstd"])
        try #require(
            try runProgram("/usr/bin/tar", ["-C", folder + "/zstd", "-czf", folder + "/busybox.tar.gz", "."]) == 0)

        var layers: Set<[String]> = []
        for (file, name) in [
            ("oci.tar", "example.com/busybox:oci"), ("docker.tar", "example.com/busybox:docker"),
            ("busybox.tar.gz", "busybox:1"),
        ] {
            let image = try #require(try fixture.store.importArchive(folder + "/" + file).first)
            #expect(try fixture.store.resolve(name)?.id == image.id)
            #expect(image.config.cmd == ["/bin/sh"] && image.config.user == "1000:1000")
            layers.insert(image.layerPaths)
        }
        #expect(layers.count == 1, "the same layers, unpacked once")
        let paths = try #require(layers.first)
        #expect(paths.count == 2)
        #expect(try Files.read(paths[1] + "/bin/busybox") == Files.read("/usr/bin/busybox"))
        #expect(try #require(status(paths[0] + "/etc/old")).st_mode == mode_t(S_IFCHR))
        #expect(try Files.read(paths[0] + "/etc/new") == [2])
    }

    @Test("a layout's folder, of umoci and of skopeo, gives the image that its archive gives")
    func folders() throws {
        let fixture = try StoreFixture()
        let folder = fixture.folder.path
        let layout = try layout(folder)
        try copy("oci:\(layout):1.0", "oci-archive:\(folder)/oci.tar:example.com/busybox:1")
        try copy("oci:\(layout):1.0", "oci:\(folder)/skopeo:2.0")
        let image = try #require(try fixture.store.importArchive(folder + "/oci.tar").first)
        let ofFolder = try #require(try fixture.store.importArchive(layout).last)
        #expect(try fixture.store.resolve("layout:1.0")?.id == ofFolder.id)
        #expect(ofFolder.id == image.id && ofFolder.layerPaths == image.layerPaths)
        #expect(try fixture.store.importArchive(folder + "/skopeo").first?.layerPaths == image.layerPaths)
        #expect(try fixture.store.resolve("skopeo:2.0")?.id == image.id)
    }

    @Test("two images in one docker archive")
    func several() throws {
        let fixture = try StoreFixture()
        let folder = fixture.folder.path
        let layout = "oci:" + (try layout(folder)) + ":1.0"
        try copy(layout, "docker-archive:\(folder)/two.tar:a:1", ["--additional-tag", "b.example.com/b:2"])
        let images = try fixture.store.importArchive(folder + "/two.tar")
        #expect(images.count == 1)
        #expect(images[0].names == ["docker.io/library/a:1", "b.example.com/b:2"])
    }

    private static let havePodman = ["/usr/bin/podman", "/usr/bin/buildah"].allSatisfy(Files.exists)

    @Test(
        "what podman saves and buildah commits is the image that they were given",
        .enabled(if: havePodman, "needs podman and buildah"))
    func containersTools() throws {
        let fixture = try StoreFixture()
        let folder = fixture.folder.path
        try copy("oci:\(try layout(folder)):1.0", "oci-archive:\(folder)/oci.tar:example.com/busybox:1")
        let image = try #require(try fixture.store.importArchive(folder + "/oci.tar").first)
        let policy = try fixture.folder.write("policy.json", #"{"default":[{"type":"insecureAcceptAnything"}]}"#)
        let place = ["--root", folder + "/storage", "--runroot", folder + "/run", "--storage-driver", "vfs"]
        func podman(_ arguments: [String]) throws {
            try #require(try runProgram("/usr/bin/podman", place + arguments) == 0, "podman \(arguments)")
        }
        try podman(["load", "-q", "--signature-policy", policy, "-i", folder + "/oci.tar"])
        for format in ["oci-archive", "docker-archive"] {
            let file = "\(folder)/\(format).tar"
            try podman(["save", "-q", "--format", format, "-o", file, "example.com/busybox:1"])
            let saved = try #require(try fixture.store.importArchive(file).first)
            #expect(saved.id == image.id && saved.layerPaths == image.layerPaths, "\(format)")
        }
        // A layer of buildah's own on top of it.
        let name = try fixture.folder.write("name", "")
        func buildah(_ arguments: [String]) throws {
            try #require(
                try runProgram("/usr/bin/buildah", place + arguments, output: name) == 0, "buildah \(arguments)")
        }
        try buildah(["from", "-q", "--signature-policy", policy, "--pull-never", "example.com/busybox:1"])
        let container = String(try Files.readText(name).filter { !$0.isWhitespace })
        let added = try fixture.folder.write("added", "by buildah")
        try buildah(["copy", "-q", container, added, "/etc/added"])
        for kind in ["oci-archive", "docker-archive"] {
            let target = "\(kind):\(folder)/built-\(kind).tar:example.com/built:1"
            try buildah(["commit", "-q", "--signature-policy", policy, container, target])
            let built = try #require(try fixture.store.importArchive("\(folder)/built-\(kind).tar").first)
            #expect(built.layerPaths.dropFirst() == image.layerPaths[...], "\(kind)")
            #expect(try Files.readText(built.layerPaths[0] + "/etc/added") == "by buildah")
            #expect(built.config.cmd == ["/bin/sh"])
        }
    }
}

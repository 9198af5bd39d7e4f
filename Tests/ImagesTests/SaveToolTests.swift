import Base
import CLinux
import OCI
import TestSupport
import Testing

@testable import Images

private func have(_ tools: String...) -> Bool { tools.allSatisfy { Files.exists("/usr/bin/" + $0) } }

/// What we save, other tools load, and what they make of it we load: the images are the same all the way.
@Suite("Saved images and other tools", .enabled(if: isRoot, "needs root"))
struct SaveToolTests {
    private static let layers = [
        TestLayer {
            $0.directory("./")
            $0.directory("bin/")
            $0.add("bin/tool", content: Array("#!/bin/sh\n".utf8), mode: 0o755)
            $0.add("bin/caps", content: [1, 2], mode: 0o4755, uid: 5, gid: 6)
            $0.add("bin/link", type: "2", link: "tool")
            $0.add("bin/hard", type: "1", link: "bin/tool")
            $0.add("old", content: [1])
            $0.directory("data/")
            $0.add("data/hidden", content: [1])
        },
        TestLayer {
            $0.add(".wh.old")
            $0.directory("data/")
            $0.add("data/.wh..wh..opq")
            $0.add("data/" + String(repeating: "long-", count: 30), content: Array(repeating: 8, count: 70_000))
        },
    ]

    /// An image that came compressed, saved in both forms.
    private func saved(_ fixture: StoreFixture) throws -> (image: StoredImage, oci: String, docker: String) {
        var layers = Self.layers
        for i in layers.indices {
            layers[i].blob = try gzip(layers[i].content)
            layers[i].mediaType += "+gzip"
        }
        let image = try fixture.load(ArchiveBuilder.oci([TestImage("example.com/test:1", layers)]))[0]
        func save(_ format: SaveFormat) throws -> String {
            let path = Path.join(fixture.folder.path, "\(format.rawValue).tar")
            let output = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            try fixture.store.save(["example.com/test:1"], as: format, to: SharedDescriptor(output))
            return path
        }
        return (image, try save(.oci), try save(.docker))
    }

    private func run(_ tool: String, _ arguments: [String]) throws {
        try #require(try runProgram("/usr/bin/" + tool, arguments) == 0, "\(tool) \(arguments)")
    }

    /// Loads an archive into a store of its own.
    private func load(_ path: String) throws -> StoredImage {
        let fixture = try StoreFixture()
        let image = try #require(try fixture.store.importArchive(path).first)
        #expect(try fixture.store.verify([], contents: true).map(\.state) == [.whole])
        return image
    }

    @Test("skopeo copies both forms, and gives them back", .enabled(if: have("skopeo"), "needs skopeo"))
    func skopeo() throws {
        let fixture = try StoreFixture()
        let (image, oci, docker) = try saved(fixture)
        let folder = fixture.folder.path
        func copy(_ from: String, _ to: String) throws {
            try run("skopeo", ["--insecure-policy", "copy", "-q", from, to])
        }
        try copy("oci-archive:\(oci):example.com/test:1", "docker-archive:\(folder)/a.tar:example.com/test:1")
        try copy("docker-archive:\(docker)", "docker-archive:\(folder)/b.tar:example.com/test:1")
        try copy("oci-archive:\(oci):example.com/test:1", "oci-archive:\(folder)/c.tar:example.com/test:1")
        for name in ["a", "b", "c"] { #expect(try load("\(folder)/\(name).tar").id == image.id, "\(name)") }
    }

    @Test(
        "umoci unpacks what we save, to the last attribute",
        .enabled(if: have("skopeo", "umoci"), "needs skopeo, umoci"))
    func umoci() throws {
        let fixture = try StoreFixture()
        let (_, oci, _) = try saved(fixture)
        let folder = fixture.folder.path
        try run("skopeo", ["--insecure-policy", "copy", "-q", "oci-archive:\(oci)", "oci:\(folder)/layout:1"])
        try run("umoci", ["unpack", "--image", "\(folder)/layout:1", "\(folder)/bundle"])
        let root = "\(folder)/bundle/rootfs"
        #expect(try Files.list(root) == ["bin", "data"])
        #expect(try Files.list(root + "/data").count == 1)
        let caps = try #require(status(root + "/bin/caps"))
        #expect(caps.st_mode & 0o7777 == 0o4755 && caps.st_uid == 5 && caps.st_gid == 6)
        #expect(status(root + "/bin/hard")?.st_ino == status(root + "/bin/tool")?.st_ino)
        #expect(caps.st_mtim.tv_sec == 1_700_000_000)
    }

    @Test("buildah takes both forms, and pushes the same image", .enabled(if: have("buildah"), "needs buildah"))
    func buildah() throws {
        let fixture = try StoreFixture()
        let (image, oci, docker) = try saved(fixture)
        let folder = fixture.folder.path
        for (n, source) in ["oci-archive:\(oci)", "docker-archive:\(docker)"].enumerated() {
            let storage = ["--root", "\(folder)/s\(n)", "--runroot", "\(folder)/r\(n)", "--storage-driver", "vfs"]
            try run("buildah", storage + ["pull", "-q", "--policy", "always", source])
            let back = "\(folder)/back\(n).tar"
            try run(
                "buildah", storage + ["push", "-q", "example.com/test:1", "docker-archive:\(back):example.com/test:1"])
            #expect(try load(back).id == image.id)
        }
    }

    @Test("podman loads both forms, and saves the same image", .enabled(if: have("podman"), "needs podman"))
    func podman() throws {
        let fixture = try StoreFixture()
        let (image, oci, docker) = try saved(fixture)
        let folder = fixture.folder.path
        for (n, file) in [oci, docker].enumerated() {
            let storage = [
                "--root", "\(folder)/s\(n)", "--runroot", "\(folder)/r\(n)", "--tmpdir", "\(folder)/t\(n)",
                "--storage-driver", "vfs",
            ]
            try run("podman", storage + ["load", "-q", "-i", file])
            let back = "\(folder)/back\(n).tar"
            let format = n == 0 ? "oci-archive" : "docker-archive"
            try run("podman", storage + ["save", "-q", "--format", format, "-o", back, "example.com/test:1"])
            #expect(try load(back).id == image.id)
        }
    }
}

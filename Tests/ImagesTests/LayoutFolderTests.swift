import Base
import CLinux
import JSON
import TestSupport
import Testing

@testable import Images

@Suite("Loading a folder with an OCI layout", .enabled(if: isRoot, "needs root"))
struct LayoutFolderTests {
    private let image = TestImage("example.com/app:1", [TestLayer { $0.file("file", "content") }])

    /// What an archive holds, as a folder.
    private func unpack(_ archive: [UInt8], _ fixture: StoreFixture, name: String = "layout") throws -> String {
        let folder = Path.join(fixture.folder.path, name)
        try Files.makeDirectories(folder)
        let file = try fixture.folder.write("archive.tar", archive)
        try #require(try runProgram("/usr/bin/tar", ["-C", folder, "-xf", file]) == 0)
        return folder
    }

    @Test("gives the image that its archive gives")
    func loads() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder.oci([image])
        let folder = try unpack(archive, fixture)
        let images = try fixture.store.importArchive(folder)
        #expect(images.map(\.names) == [["example.com/app:1"]])
        #expect(try Files.readText(images[0].layerPaths[0] + "/file") == "content")
        #expect(try fixture.load(archive) == images)
    }

    @Test("names an image that has only a tag after the folder, with or without a slash behind it")
    func named() throws {
        let fixture = try StoreFixture()
        let folder = try unpack(ArchiveBuilder.oci([TestImage("2.0", image.layers)]), fixture, name: "Web App")
        #expect(try fixture.store.importArchive(folder + "/")[0].names == ["docker.io/library/web-app:2.0"])
    }

    @Test("reads nothing over a symbolic link, and no fifo", arguments: ["blob", "folder", "index", "fifo"])
    func links(_ kind: String) throws {
        let fixture = try StoreFixture()
        let folder = try unpack(ArchiveBuilder.oci([image]), fixture)
        let place =
            switch kind {
            case "folder": folder + "/blobs"
            case "index": folder + "/index.json"
            default: folder + "/blobs/sha256/" + sha256(image.layers[0].blob)
            }
        // The content is all there, only not in its place.
        let elsewhere = Path.join(fixture.folder.path, "elsewhere")
        try #require(rename(place, elsewhere) == 0)
        try #require(kind == "fifo" ? mkfifo(place, 0o600) == 0 : symlink(elsewhere, place) == 0)
        try fixture.load(ArchiveBuilder.oci([TestImage("other:1", [TestLayer { $0.file("other", "1") }])]))
        let before = try fixture.snapshot()
        let error = try #require(throws: ImageError.self) { try fixture.store.importArchive(folder) }
        #expect(error.reason == .hostile, "\(error)")
        #expect(try fixture.snapshot() == before)
    }

    @Test("is refused when a blob is missing, damaged or of another size")
    func damaged() throws {
        let fixture = try StoreFixture()
        let folder = try unpack(ArchiveBuilder.oci([image]), fixture)
        let blob = folder + "/blobs/sha256/" + sha256(image.layers[0].blob)
        var bytes = try Files.read(blob)
        try fixture.load(ArchiveBuilder.oci([TestImage("other:1", [TestLayer { $0.file("other", "1") }])]))
        let before = try fixture.snapshot()
        func refused(_ reason: ImageError.Reason) throws {
            let error = try #require(throws: ImageError.self) { try fixture.store.importArchive(folder) }
            #expect(error.reason == reason, "\(error)")
            #expect(try fixture.snapshot() == before)
        }
        try Files.remove(blob)
        try refused(.notFound)
        bytes[600] ^= 1
        try Files.replace(blob, with: bytes, durable: false)
        try refused(.corrupt)
        try Files.replace(blob, with: bytes + [0], durable: false)
        try refused(.corrupt)
        try Files.remove(folder + "/oci-layout")
        try refused(.notAnArchive)
    }
}

import Base
import CLinux
import PodRuntime
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct AtomicFolderTests {
    private let scratch: TemporaryDirectory
    private let folder: AtomicFolder

    init() throws {
        scratch = try TemporaryDirectory()
        try Files.makeDirectories(scratch.path + "/v")
        folder = AtomicFolder(path: scratch.path + "/v", mustBeInMemory: false)
    }

    private func content(_ files: [String: String], mode: UInt32 = 0o644) -> VolumeContent {
        VolumeContent(files.mapValues { .init(Array($0.utf8), mode: mode) })
    }

    private func link(_ name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let count = readlink(folder.path + "/" + name, &buffer, 255)
        return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func text(_ name: String) throws -> String { try Files.readText(folder.path + "/" + name) }
    private func names() throws -> [String] { try Files.list(folder.path) }

    @Test func filesStandBehindLinksAsTheKubeletLaysThemOut() throws {
        #expect(!folder.hasContent)
        #expect(try folder.write(content(["a": "1", "d/e/f": "2", "d/g": "3"], mode: 0o440)))
        let version = try #require(link("..data"))
        #expect(version.wholeMatch(of: /\.\.[0-9]{4}(_[0-9]{2}){5}\.[0-9]+/) != nil, "\(version)")
        #expect(try names() == ["..data", version, "a", "d"].sorted())
        #expect(link("a") == "..data/a" && link("d") == "..data/d")
        #expect(try text("a") == "1" && text("d/e/f") == "2" && text("d/g") == "3")
        var status = stat()
        #expect(stat(folder.path + "/d/e/f", &status) == 0 && status.st_mode & 0o7777 == 0o440)
        #expect(stat(folder.path + "/d/e", &status) == 0 && status.st_mode & 0o7777 == 0o755)
        #expect(folder.hasContent)
    }

    @Test func theSameContentIsNotWrittenAgainAndAnyDifferenceIs() throws {
        #expect(try folder.write(content(["a": "1", "d/b": "2"])))
        let version = link("..data")
        #expect(try !folder.write(content(["a": "1", "d/b": "2"])))
        #expect(link("..data") == version)
        let others = [
            content(["a": "2", "d/b": "2"]), content(["a": "1", "d/b": "2"], mode: 0o400), content(["a": "1"]),
            content(["a": "1", "d/b": "2", "d/c": ""]), content([:]),
        ]
        for other in others {
            let before = link("..data")
            #expect(try folder.write(other))
            #expect(link("..data") != before)
            #expect(try names().filter { $0.hasPrefix("..") }.count == 2, "the version before is gone")
        }
        #expect(try names().count == 2)
    }

    @Test func whoHasAFileOpenOrSeesItThroughTheLinkNeverSeesHalf() throws {
        try folder.write(content(["a": "old", "b": "old"]))
        let data = try FileDescriptor.open(folder.path + "/..data/", O_RDONLY | O_DIRECTORY)
        let old = try data.open(at: "a", O_RDONLY)
        try folder.write(content(["a": "new", "b": "new"]))
        #expect(try old.readAll(limit: 10) == Array("old".utf8))
        #expect(try text("a") == "new" && text("b") == "new")
        withExtendedLifetime(data) {}
    }

    @Test func whatACrashLeftIsPutRight() throws {
        try folder.write(content(["a": "1"]))
        let version = try #require(link("..data"))
        // Killed while a version was written, before its link was moved, before names were shown.
        try Files.makeDirectories(folder.path + "/..2020_01_01_00_00_00.1/x")
        #expect(symlink("..2020_01_01_00_00_00.1", folder.path + "/..data_tmp") == 0)
        #expect(unlink(folder.path + "/a") == 0)
        #expect(symlink("..data/gone", folder.path + "/gone") == 0)
        #expect(try !folder.write(content(["a": "1"])))
        #expect(try names() == ["..data", version, "a"].sorted())
        #expect(try text("a") == "1")
    }

    @Test func linksPutThereByAContainerLeadNowhere() throws {
        let outside = scratch.path + "/outside"
        try Files.makeDirectories(outside)
        try Files.replace(outside + "/a", with: Array("keep".utf8), durable: false)
        for target in [outside, "../outside", "..data", ".."] {
            _ = unlink(folder.path + "/..data")
            #expect(symlink(target, folder.path + "/..data") == 0)
            _ = unlink(folder.path + "/a")
            #expect(symlink(outside + "/a", folder.path + "/a") == 0)
            #expect(symlink(outside, folder.path + "/..data_tmp") == 0)
            #expect(try folder.write(content(["a": "1", "d/a": "2"])))
            #expect(try text("a") == "1" && link("a") == "..data/a")
        }
        // A version whose folders became links is none.
        let version = try #require(link("..data"))
        try Files.removeTree(folder.path + "/" + version + "/d")
        #expect(symlink(outside, folder.path + "/" + version + "/d") == 0)
        #expect(try folder.write(content(["a": "1", "d/a": "2"])))
        #expect(try Files.list(outside) == ["a"] && Files.readText(outside + "/a") == "keep")
        // A folder in the place of the link.
        try Files.remove(folder.path + "/..data")
        try Files.makeDirectories(folder.path + "/..data/x")
        #expect(try folder.write(content(["a": "3"])))
        #expect(try text("a") == "3")
    }

    @Test func theFolderItselfIsNoLink() throws {
        let outside = scratch.path + "/outside"
        try Files.makeDirectories(outside)
        #expect(symlink(outside, scratch.path + "/w") == 0)
        #expect(throws: SystemError.self) {
            try AtomicFolder(path: scratch.path + "/w", mustBeInMemory: false).write(content(["a": "1"]))
        }
        #expect(try Files.list(outside) == [])
    }

    @Test func whatIsSecretIsNeverWrittenWhereADiskMayBe() {
        // Whatever file system a test folder is on, this one is no tmpfs.
        let error = #expect(throws: SystemError.self) {
            try AtomicFolder(path: "/proc").write(content(["a": "1"]))
        }
        #expect(error?.errno == .readOnly)
    }

    @Test(arguments: ["../x", "d/../../x", ".."])
    func aPathThatLeavesTheFolderIsRefused(path: String) throws {
        #expect(throws: SystemError.self) { try folder.write(content([path: "1"])) }
        #expect(!Files.exists(scratch.path + "/x"))
    }
}

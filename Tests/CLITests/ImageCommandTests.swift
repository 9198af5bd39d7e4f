import Base
import CLinux
import JSON
import NodeAPI
import NodeAPITestSupport
import Synchronization
import TestSupport
import Testing

@testable import CLI

@Suite struct ImageCommandTests {
    private func node(_ change: @escaping @Sendable (FakeNode) -> Void = { _ in }) throws -> BackgroundNode {
        try BackgroundNode { node, _ in
            node.imageList = [ImageSummary(names: ["web:1"], digest: "sha256:1", id: "sha256:2", size: 3)]
            change(node)
        }
    }

    /// What the agent was asked for last.
    private func lastAsked(_ node: BackgroundNode) -> String? {
        let last = Mutex<String?>(nil)
        node.perform { node in last.withLock { $0 = node.controls.last } }
        // It answers after that.
        _ = run(["get", "images"], node)
        return last.withLock { $0 }
    }

    private func run(_ words: [String], _ node: BackgroundNode) -> (code: Int32, output: [UInt8], errors: String) {
        var output: [UInt8] = []
        var errors = ""
        let tool = Tool(
            root: node.folder.path, output: Output { output += $0 }, say: { errors += $0 + "\n" },
            now: { Timestamp(rfc3339: "2026-01-02T05:04:05Z") ?? .now })
        let code = CommandLineTool.run(words, tool)
        return (code, output, errors)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func theStepsOfAnImageAreShownTheLastFirst() throws {
        let node = try node()
        defer { node.stop() }
        let table = text(run(["image", "history", "web:1"], node).output)
        #expect(
            table == """
                CREATED     CREATED BY                                      SIZE     COMMENT
                120m ago    RUN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…   0B       last
                <unknown>   ADD /                                           1.50MB   

                """, "\(table)")
        #expect(
            text(run(["image", "history", "web:1", "--no-trunc"], node).output).contains(
                String(repeating: "x", count: 60)))
        #expect(text(run(["image", "history", "web:1", "-o", "yaml"], node).output).contains("createdBy: ADD /"))
        let gone = run(["image", "history", "gone"], node)
        #expect(gone.code == 1 && gone.errors == "error: no image \"gone\" in the store\n")
    }

    @Test func whatIsBrokenIsToldWithItsRemedyAndGivesExitCodeOne() throws {
        let node = try node {
            $0.verifications = [
                ["id": "sha256:2", "names": ["web:1"], "state": "whole", "problems": [], "entries": 12],
                ["id": "sha256:3", "names": [], "state": "unknown", "problems": ["no outline"], "entries": 0],
            ]
        }
        defer { node.stop() }
        let whole = run(["image", "verify"], node)
        #expect(whole.code == 0)
        #expect(text(whole.output) == "web:1: whole (12 entries)\nsha256:3: unknown (0 entries)\n  no outline\n")
        let other = try self.node {
            $0.verifications = [
                ["id": "sha256:2", "names": ["web:1"], "state": "broken", "problems": ["layer 1: bad"], "entries": 2]
            ]
        }
        defer { other.stop() }
        let broken = run(["image", "verify", "web:1", "--contents"], other)
        #expect(broken.code == 1)
        #expect(
            text(broken.output) == """
                web:1: broken (2 entries)
                  layer 1: bad
                  To repair it, load or pull the image again; pods that use it are to be restarted.

                """)
        #expect(lastAsked(other) == "verify [\"web:1\"] contents=true")
    }

    @Test func whatIsSavedArrivesWhole() throws {
        let pieces = (0..<40).map { n in [UInt8](repeating: UInt8(n), count: n * 7919 % 70_000) }
        let node = try node { $0.savedPieces = pieces }
        defer { node.stop() }
        let folder = try TemporaryDirectory()
        let file = folder.path + "/web.tar"
        #expect(run(["image", "save", "web:1", "-o", file, "--format", "docker"], node).code == 0)
        #expect(try Files.read(file) == Array(pieces.joined()))
        #expect(try Files.list(folder.path) == ["web.tar"])
        #expect(run(["image", "save", "web:1", "--format", "zip"], node).code == 2)
        #expect(lastAsked(node) == "save [\"web:1\"] docker")
    }

    @Test func aSavedImageTakesThePlaceOfAFileAndOfNothingElse() throws {
        let node = try node { $0.savedPieces = [Array("new".utf8)] }
        defer { node.stop() }
        func save(_ path: String) -> Int32 { run(["image", "save", "web:1", "-o", path], node).code }
        let folder = try TemporaryDirectory()
        // What a link leads to is replaced, not the link; and who could read it still can.
        let file = try folder.write("old.tar", Array("old and long".utf8))
        #expect(chmod(file, 0o640) == 0)
        let link = folder.path + "/link.tar"
        #expect(symlink("old.tar", link) == 0)
        #expect(save(link) == 0)
        var status = stat()
        #expect(lstat(link, &status) == 0 && swl_is_symlink(status.st_mode))
        #expect(try Files.read(file) == Array("new".utf8))
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o640)
        // A link to what is not there makes it.
        let dangling = folder.path + "/dangling.tar"
        #expect(symlink("made.tar", dangling) == 0)
        #expect(save(dangling) == 0)
        #expect(try Files.read(folder.path + "/made.tar") == Array("new".utf8))
        // A pipe stays one, and has the bytes.
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        let reader = try FileDescriptor.open(pipe, O_RDONLY | O_NONBLOCK)
        #expect(save(pipe) == 0)
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(try reader.read(into: &buffer) == 3)
        #expect(lstat(pipe, &status) == 0 && swl_is_fifo(status.st_mode))
        // A device stays one; through a link, so that a mistake here costs no device.
        let null = folder.path + "/null"
        #expect(symlink("/dev/null", null) == 0)
        #expect(save(null) == 0)
        #expect(lstat(null, &status) == 0 && swl_is_symlink(status.st_mode))
        #expect(lstat("/dev/null", &status) == 0 && swl_is_char(status.st_mode))
        #expect(save(folder.path) == 1)
        let left = ["dangling.tar", "link.tar", "made.tar", "null", "old.tar", "pipe"]
        #expect(try Files.list(folder.path).sorted() == left)
    }

    @Test func aSaveThatFailsLeavesTheOldFileAndSaysWhy() throws {
        let node = try node {
            $0.savedPieces = [[1, 2, 3]]
            $0.saveFailure = .failed("layer 1 is damaged")
        }
        defer { node.stop() }
        let folder = try TemporaryDirectory()
        let file = try folder.write("web.tar", Array("old".utf8))
        let failed = run(["image", "save", "web:1", "-o", file], node)
        #expect(failed.code == 1 && failed.errors == "error: layer 1 is damaged\n")
        #expect(try Files.read(file) == Array("old".utf8))
        #expect(try Files.list(folder.path) == ["web.tar"])
        #expect(run(["image", "save", "gone", "-o", file], node).errors == "error: no image \"gone\" in the store\n")
    }

    @Test func aRootFileSystemIsImportedWithWhatItsImageIsToSay() throws {
        let node = try node()
        defer { node.stop() }
        let folder = try TemporaryDirectory()
        let file = try folder.write("root.tar", [1])
        let done = run(
            [
                "image", "import", file, "mine:1", "--cmd", "[\"/bin/sh\",\"-l\"]", "--entrypoint", "exec me", "-e",
                "A=1", "-e", "B=", "-w", "/srv", "-u", "5:6",
            ], node)
        #expect(text(done.output) == "Imported image: mine:1 (sha256:2)\n", "\(done.errors)")
        let config =
            "{\"User\":\"5:6\",\"Env\":[\"A=1\",\"B=\"],\"Entrypoint\":[\"/bin/sh\",\"-c\",\"exec me\"],"
            + "\"Cmd\":[\"/bin/sh\",\"-l\"],\"WorkingDir\":\"/srv\"}"
        for wrong in [["-e", "A"], ["-w", "srv"], ["--cmd", "[1]"], ["--cmd", "["]] {
            #expect(run(["image", "import", file, "mine:1"] + wrong, node).code == 2, "\(wrong)")
        }
        #expect(lastAsked(node) == "import mine:1 \(config) \(file)")
    }
}

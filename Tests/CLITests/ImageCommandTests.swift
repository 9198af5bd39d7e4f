import Base
import CLinux
import JSON
import NodeAPI
import NodeAPITestSupport
import TestSupport
import Testing

@testable import CLI

@Suite struct ImageCommandTests {
    /// What the agent was asked for; to be read when it has stopped.
    private final class Asked: @unchecked Sendable {  // The thread of the agent has ended by then.
        var node: FakeNode?
        var last: String? { node?.controls.last }
    }

    private func node(
        _ asked: Asked = Asked(), _ change: @escaping @Sendable (FakeNode) -> Void = { _ in }
    ) throws -> BackgroundNode {
        try BackgroundNode { node, _ in
            asked.node = node
            node.imageList = [ImageSummary(names: ["web:1"], digest: "sha256:1", id: "sha256:2", size: 3)]
            change(node)
        }
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
        let asked = Asked()
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
        let other = try self.node(asked) {
            $0.verifications = [
                ["id": "sha256:2", "names": ["web:1"], "state": "broken", "problems": ["layer 1: bad"], "entries": 2]
            ]
        }
        let broken = run(["image", "verify", "web:1", "--contents"], other)
        other.stop()
        #expect(broken.code == 1)
        #expect(
            text(broken.output) == """
                web:1: broken (2 entries)
                  layer 1: bad
                  To repair it, load or pull the image again; pods that use it are to be restarted.

                """)
        #expect(asked.last == "verify [\"web:1\"] contents=true")
    }

    @Test func whatIsSavedArrivesWhole() throws {
        let pieces = (0..<40).map { n in [UInt8](repeating: UInt8(n), count: n * 7919 % 70_000) }
        let asked = Asked()
        let node = try node(asked) { $0.savedPieces = pieces }
        let folder = try TemporaryDirectory()
        let file = folder.path + "/web.tar"
        #expect(run(["image", "save", "web:1", "-o", file, "--format", "docker"], node).code == 0)
        #expect(try Files.read(file) == Array(pieces.joined()))
        #expect(try Files.list(folder.path) == ["web.tar"])
        #expect(run(["image", "save", "web:1", "--format", "zip"], node).code == 2)
        node.stop()
        #expect(asked.last == "save [\"web:1\"] docker")
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
        let asked = Asked()
        let node = try node(asked)
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
        node.stop()
        #expect(asked.last == "import mine:1 \(config) \(file)")
    }
}

import Base
import CLinux
import TestSupport
import Testing

@testable import NodeAgent

/// The actor's loop belongs to one thread of a process: each test has one of its own.
@Suite struct FolderPathWatchTests {
    private static func write(_ path: String) throws { try Files.replace(path, with: "x".utf8, durable: false) }

    private static let steps: [(name: String, body: @Sendable (String) throws -> Void)] = [
        ("all of it is made", { try Files.makeDirectories($0) }),
        ("a file is written", { try write($0 + "/a") }),
        ("a file is written again", { try write($0 + "/a") }),
        ("a link is made", { _ = symlink("a", $0 + "/b") }),
        ("a file is removed", { try Files.remove($0 + "/a") }),
        ("a folder is made", { try Files.makeDirectories($0 + "/n") }),
        ("a file is written in it", { try write($0 + "/n/a") }),
        (
            "the folder is replaced",
            {
                try Files.makeDirectories($0 + ".new")
                _ = rename($0, $0 + ".old")
                _ = rename($0 + ".new", $0)
            }
        ),
        ("a file is written in the new one", { try write($0 + "/c") }),
        ("it is removed", { try Files.removeTree($0) }),
        ("what it stood in is removed", { try Files.removeTree(Path.parent($0)) }),
        ("all of it is made again", { try Files.makeDirectories($0) }),
        ("a file is written in it once more", { try write($0 + "/d") }),
        (
            "what it stands in is replaced",
            {
                let parent = Path.parent($0)
                try Files.makeDirectories(parent + ".new/net.d")
                _ = rename(parent, parent + ".old")
                _ = rename(parent + ".new", parent)
            }
        ),
        ("a file is written there", { try write($0 + "/e") }),
    ]

    /// Does the steps one after the other, each when the one before was heard.
    private static func expectHeard(in path: String) throws {
        try LoopActor.run { loop in
            var rest = steps[...]
            var current = "nothing"
            func next() {
                guard let step = rest.popFirst() else { return loop.stop() }
                current = step.name
                do { try step.body(path) } catch { preconditionFailure("\(step.name): \(error)") }
            }
            let watch = FolderPathWatch(loop, path) { next() }
            try watch.start()
            loop.schedule(after: .seconds(20)) { preconditionFailure("not heard: \(current)") }
            loop.enqueue { next() }
            try loop.run()
            watch.stop()
        }
    }

    @Test func whateverHappensToTheFolderAndWhatItStandsInIsHeard() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try FolderPathWatchTests.expectHeard(in: scratch.path + "/etc/cni/net.d")
        }
    }
}

import Base
import CLinux
import Testing

@testable import NodeAgent

/// The actor's loop belongs to one thread of a process: each test has one of its own.
@Suite struct NetworkGateTests {
    @LoopActor private final class Course {
        let gate = NetworkGate()
        let loop: EventLoop
        var words: [String] = []
        var running = 0

        init(_ loop: EventLoop) { self.loop = loop }

        func pass(_ name: String, exclusively: Bool, turns: Int64) async {
            try? await gate.pass(exclusively: exclusively) {
                running += 1
                precondition(!exclusively || running == 1, "\(name) is not alone")
                words.append("+\(name)")
                await loop.sleep(until: .now + .milliseconds(turns * 10))
                words.append("-\(name)")
                running -= 1
            }
        }
    }

    @Test func garbageIsCollectedWhileNobodyIsAttachedOrReleasedAndIsNotOvertaken() async {
        await #expect(processExitsWith: .success) {
            try LoopActor.run { loop in
                let course = Course(loop)
                Task {
                    let tasks = [("a", false), ("b", false), ("GC", true), ("c", false), ("d", false)].map {
                        name, alone in
                        Task { await course.pass(name, exclusively: alone, turns: name == "a" ? 3 : 1) }
                    }
                    for task in tasks { await task.value }
                    let words = course.words
                    precondition(words.prefix(2).sorted() == ["+a", "+b"], "\(words)")
                    precondition(words[4] == "+GC" && words[5] == "-GC", "\(words)")
                    precondition(words[6...7].sorted() == ["+c", "+d"], "\(words)")
                    loop.stop()
                }
                try loop.run()
            }
        }
    }
}

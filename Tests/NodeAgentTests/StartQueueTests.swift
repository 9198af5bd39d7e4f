import Base
import Testing

@testable import NodeAgent

/// The actor's loop belongs to one thread of a process: each test has a process of its own.
@Suite struct StartQueueTests {
    @Test func theHighestPriorityIsServedFirstAndEqualsInTheirOrder() async {
        await #expect(processExitsWith: .success) {
            try LoopActor.run { loop in
                let queue = StartQueue(loop: loop, width: 2)
                var served: [String] = []
                var atOnce = 0
                var most = 0
                for (name, priority) in [("a", 0), ("b", 0), ("c", 0), ("d", 10), ("e", 0), ("f", 10)]
                    as [(String, Int32)]
                {
                    Task {
                        let turn = await queue.enter(priority: priority)
                        served.append(name)
                        atOnce += 1
                        most = max(most, atOnce)
                        await Task.yield()
                        atOnce -= 1
                        queue.leave(turn)
                        if served.count == 6 { loop.stop() }
                    }
                }
                try loop.run()
                #expect(served == ["a", "b", "d", "f", "c", "e"])
                #expect(most == 2)
            }
        }
    }

    @Test func oneThatHangsDoesNotKeepTheOthersWaiting() async {
        await #expect(processExitsWith: .success) {
            try LoopActor.run { loop in
                let queue = StartQueue(loop: loop, width: 1, patience: Nanoseconds(1_000_000))
                var hung: StartQueue.Turn?
                Task { hung = await queue.enter(priority: 0) }
                Task {
                    queue.leave(await queue.enter(priority: 0))
                    // Late, and without effect on the turns of others.
                    if let hung { queue.leave(hung) }
                    queue.leave(await queue.enter(priority: 0))
                    loop.stop()
                }
                try loop.run()
                #expect(hung != nil)
            }
        }
    }
}

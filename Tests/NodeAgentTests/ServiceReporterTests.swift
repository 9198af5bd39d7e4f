import Base
import Kube
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct ServiceReporterTests {
    @Test func theStatusIsToldWhenItChangedAndOnceForABurst() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryDirectory()
            let receiver = try DatagramReceiver("\(folder.path)/notify")
            let manager = ServiceManager(.init(address: "\(folder.path)/notify"))
            try LoopActor.run { loop in
                var pods = 0
                let reporter = ServiceReporter(manager, loop: loop) { "\(pods) pods" }
                reporter.changed()
                reporter.ready()
                precondition(receiver.nextText() == "READY=1\nSTATUS=0 pods\n")
                for _ in 0..<100 {
                    pods += 1
                    reporter.changed()
                }
                // What is collected is told after 100 ms; a second one would be, too.
                loop.schedule(after: .milliseconds(400)) { loop.stop() }
                try loop.run()
                precondition(receiver.nextText() == "STATUS=100 pods\n")
                precondition(receiver.next() == nil)
                reporter.changed()
                loop.schedule(after: .milliseconds(200)) { loop.stop() }
                try loop.run()
                precondition(receiver.next() == nil, "nothing changed")
                reporter.reloading()
                precondition(receiver.nextText()?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
                reporter.reloaded()
                precondition(receiver.nextText() == "READY=1\nSTATUS=100 pods\n")
                reporter.stopping("ends", within: .seconds(5))
                precondition(receiver.nextText() == "STOPPING=1\nSTATUS=ends\n")
                precondition(receiver.nextText() == "EXTEND_TIMEOUT_USEC=5000000\n")
            }
        }
    }

    @Test func theLoopsSignOfLifeComesOnlyWhereItIsAskedForAndFromTheLoop() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryDirectory()
            let receiver = try DatagramReceiver("\(folder.path)/notify")
            let manager = ServiceManager(.init(address: "\(folder.path)/notify", watchdog: .milliseconds(40)))
            try LoopActor.run { loop in
                let reporter = ServiceReporter(manager, loop: loop) { "s" }
                reporter.ready()
                precondition(receiver.nextText() == "READY=1\nSTATUS=s\n")
                precondition(receiver.nextText() == "WATCHDOG=1\n")
                precondition(receiver.next() == nil, "the loop does not turn")
                var beats = 0
                while beats < 3 {
                    try loop.turn(wait: true)
                    if receiver.nextText() == "WATCHDOG=1\n" { beats += 1 }
                }
                let quiet = ServiceReporter(
                    ServiceManager(.init(address: "\(folder.path)/notify")), loop: loop
                ) { "q" }
                quiet.ready()
            }
        }
    }

    @Test func theStatusCountsPodsReadyOnesAndProblems() {
        var ready = PodStatus()
        ready.conditions = [PodCondition(type: "Ready", status: .true)]
        func pod(_ status: PodStatus) -> Pod {
            var pod = Pod(metadata: ObjectMeta(name: "p", namespace: "default"), spec: PodSpec(containers: []))
            pod.status = status
            return pod
        }
        #expect(Agent.serviceStatus(of: [], problems: 0) == "0 pods, 0 ready")
        #expect(Agent.serviceStatus(of: [pod(ready)], problems: 0) == "1 pod, 1 ready")
        #expect(
            Agent.serviceStatus(of: [pod(ready), pod(PodStatus())], problems: 2)
                == "2 pods, 1 ready, 2 manifest problems")
    }
}

import Base
import Kube
import Testing

@testable import NodeAgent

@Suite struct PodRejectionTests {
    private let rejection = PodRejection(reason: "SysctlForbidden", message: "forbidden sysctl: x")
    private let now = BootInstant(nanoseconds: 0)

    private func machine() -> PodMachine {
        PodMachine(PodPlan(display: "p", restartPolicy: .always, containers: [.init(name: "c", image: "a")]))
    }

    @Test func aRejectedPodNeverBeginsAndEndsWhenItsManifestGoes() {
        var machine = machine()
        let note = PodDirective.record(EventNote("SysctlForbidden", "forbidden sysctl: x", warning: true))
        #expect(machine.on(.rejected(rejection), now: now) == [note, .tearDown(final: false)])
        #expect(machine.on(.tornDown, now: now) == [] && machine.stage == .finished)
        #expect(machine.rejection == rejection)
        #expect(machine.on(.stop(grace: .seconds(1), message: "gone"), now: now) == [.tearDown(final: true)])
        #expect(machine.on(.tornDown, now: now) == [.finished])
    }

    @Test func itsStatusIsTheKubelets() {
        let status = PodStatusBuilderTests.rejected(rejection)
        #expect(status.phase == .failed && status.reason == "SysctlForbidden")
        #expect(status.message == "Pod was rejected: forbidden sysctl: x")
        #expect(status.containerStatuses == [] && status.conditions == [])
    }
}

extension PodStatusBuilderTests {
    static func rejected(_ rejection: PodRejection) -> PodStatus {
        var builder = PodStatusBuilder(
            pod: pod(), records: [], isSandboxReady: false, startTime: time(1), nodeAddresses: ["192.0.2.1"])
        builder.rejection = rejection
        return builder.status(previous: nil, now: time(2))
    }
}

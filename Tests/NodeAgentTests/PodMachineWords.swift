import Base

@testable import NodeAgent

/// What tests of the pod machine tell it, and read of its directives.
protocol PodMachineWords {}

extension PodMachineWords {
    func now(_ seconds: Int64) -> BootInstant { BootInstant(nanoseconds: seconds * 1_000_000_000) }

    func started(_ name: String, _ attempt: Int = 0, at second: Int64 = 0) -> PodInput {
        .containerStarted(
            name: name, attempt: attempt,
            StartedContainer(
                containerID: "id", imageID: "img", startedAt: Timestamp(nanoseconds: second * 1_000_000_000), user: nil)
        )
    }

    /// - Parameters:
    ///   - from: when it had started, in seconds.
    ///   - to: when it ended.
    func exited(_ name: String, _ code: Int32 = 0, _ attempt: Int = 0, from: Int64 = 0, to: Int64 = 1) -> PodInput {
        .containerExited(
            name: name, attempt: attempt,
            .init(
                exitCode: code, reason: code == 0 ? "Completed" : "Error",
                startedAt: Timestamp(nanoseconds: from * 1_000_000_000),
                finishedAt: Timestamp(nanoseconds: to * 1_000_000_000), containerID: "id"))
    }

    /// The runs that are begun, `name.attempt`.
    func starts(_ directives: [PodDirective]) -> [String] {
        directives.compactMap { if case .start(let name, let attempt) = $0 { "\(name).\(attempt)" } else { nil } }
    }

    /// The containers that get their stop signal.
    func signals(_ directives: [PodDirective]) -> [String] {
        directives.compactMap { if case .stopContainer(let name) = $0 { name } else { nil } }
    }

    /// The seconds of the timers that are armed.
    func arms(_ directives: [PodDirective]) -> [Int64] {
        directives.compactMap { if case .arm(_, let delay) = $0 { delay.count / 1_000_000_000 } else { nil } }
    }
}

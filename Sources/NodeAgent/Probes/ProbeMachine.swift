import Base
import Kube

/// One probe of one run of a container, as a pure value: it says when to ask, and what the answers amount to. As in the
/// kubelet equal answers are counted up, a failure counts from `failureThreshold` of them on, a success from
/// `successThreshold`, and what could not be asked three times in a row counts for nothing.
public struct ProbeMachine: Hashable, Sendable {
    /// What follows from an answer.
    public struct Step: Hashable, Sendable {
        /// It is to be asked once more now.
        public var asksAgain = false
        /// For people.
        public var note: EventNote?
        /// True or false when it has been said often enough.
        public var verdict: Bool?
    }

    private static let attempts = 3

    public let kind: ProbeKind
    public let probe: Probe
    private let container: String
    /// When it is asked next.
    public private(set) var due: BootInstant
    private var errors = 0
    private var isLastSuccess: Bool?
    private var count = 0
    /// Who is waited for is asked already while the first period goes by, less and less often, so that a container that
    /// is ready soon is known to be. That it is not yet says nothing then: only from here on is counted. Nil once it has
    /// passed, or a success was counted.
    private var earlyEnd: BootInstant?
    /// The time to the next early question.
    private var earlyGap: Nanoseconds
    /// The question that is asked now is an early one.
    private var isEarly = false

    /// - Parameters:
    ///   - ranFor: how long the container has run.
    ///   - jitter: for a container that was found running: when it is asked first.
    public init(
        _ kind: ProbeKind, _ probe: Probe, container: String, ranFor: Nanoseconds, jitter: Nanoseconds? = nil,
        now: BootInstant
    ) {
        self.kind = kind
        self.probe = probe
        self.container = container
        let delay = Nanoseconds.seconds(Int64(probe.initialDelaySeconds))
        let rest = Nanoseconds(max(0, delay.count - ranFor.count))
        let period = Nanoseconds.seconds(Int64(probe.periodSeconds))
        let first = jitter ?? (kind == .liveness ? period : Nanoseconds(0))
        due = now + max(rest, first)
        // To start a program costs more than to make a connection.
        if case .exec = probe.handler { earlyGap = .milliseconds(100) } else { earlyGap = .milliseconds(20) }
        let isAwaited = kind == .readiness || kind == .startup && ranFor < period
        if isAwaited, jitter == nil, probe.initialDelaySeconds == 0 { earlyEnd = now + period }
    }

    /// It is asked now.
    public mutating func asked(now: BootInstant) {
        isEarly = earlyEnd.map { now < $0 } ?? false
        if let earlyEnd, isEarly {
            due = min(now + earlyGap, earlyEnd)
            earlyGap = Nanoseconds(earlyGap.count * 2)
            return
        }
        earlyEnd = nil
        let period = Nanoseconds.seconds(Int64(probe.periodSeconds))
        due = due + period
        // Whoever is late is not asked twice for it.
        if due <= now { due = now + period }
        due = Self.shared(due, period)
    }

    /// The first of the moments, 20 in a period, at which all probes of this period are asked: the agent wakes for many
    /// at a time. From one such moment to the next of the same probe it is exactly a period.
    private static func shared(_ due: BootInstant, _ period: Nanoseconds) -> BootInstant {
        let step = max(1, period.count / 20)
        return BootInstant(nanoseconds: (due.nanoseconds + step - 1) / step * step)
    }

    public mutating func answered(_ outcome: ProbeOutcome) -> Step {
        switch outcome {
        case .error where isEarly, .failure where isEarly: return Step()
        case .error(let message):
            errors += 1
            if errors < Self.attempts { return Step(asksAgain: true) }
            errors = 0
            let text = "\(kind.rawValue) probe errored and resulted in unknown state: \(message)"
            return Step(note: EventNote("Unhealthy", text, container: container, warning: true))
        case .success: return counted(true, nil)
        case .warning(let message):
            let text = "\(kind.rawValue) probe warning: \(message)"
            return counted(true, EventNote("ProbeWarning", text, container: container, warning: true))
        case .failure(let message):
            let text = "\(kind.rawValue) probe failed: \(message)"
            return counted(false, EventNote("Unhealthy", text, container: container, warning: true))
        }
    }

    private mutating func counted(_ isSuccess: Bool, _ note: EventNote?) -> Step {
        errors = 0
        if let end = earlyEnd { (due, earlyEnd) = (end, nil) }
        count = isLastSuccess == isSuccess ? count + 1 : 1
        isLastSuccess = isSuccess
        let threshold = Int(isSuccess ? probe.successThreshold : probe.failureThreshold)
        return Step(note: note, verdict: count >= threshold ? isSuccess : nil)
    }
}

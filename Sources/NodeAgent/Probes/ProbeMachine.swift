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
    /// The first question comes before the first period is over, so that a container that starts quickly is known to
    /// have. That it has not started yet says nothing then.
    private var isEarly: Bool

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
        isEarly = kind == .startup && jitter == nil && probe.initialDelaySeconds == 0 && ranFor < period
    }

    /// It is asked now.
    public mutating func asked(now: BootInstant) {
        let period = Nanoseconds.seconds(Int64(probe.periodSeconds))
        due = due + period
        // Whoever is late is not asked twice for it.
        if due <= now { due = now + period }
    }

    public mutating func answered(_ outcome: ProbeOutcome) -> Step {
        switch outcome {
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
            if isEarly {
                (isEarly, errors) = (false, 0)
                return Step()
            }
            let text = "\(kind.rawValue) probe failed: \(message)"
            return counted(false, EventNote("Unhealthy", text, container: container, warning: true))
        }
    }

    private mutating func counted(_ isSuccess: Bool, _ note: EventNote?) -> Step {
        errors = 0
        isEarly = false
        count = isLastSuccess == isSuccess ? count + 1 : 1
        isLastSuccess = isSuccess
        let threshold = Int(isSuccess ? probe.successThreshold : probe.failureThreshold)
        return Step(note: note, verdict: count >= threshold ? isSuccess : nil)
    }
}

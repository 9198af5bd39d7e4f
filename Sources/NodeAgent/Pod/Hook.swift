import Base

/// What is done for a container at the beginning and at the end of a run.
public enum Hook: String, Hashable, Sendable, CaseIterable {
    /// When it has begun.
    case postStart
    /// When it is asked to end, before its stop signal; never when it ends by itself.
    case preStop
}

/// How a hook ended.
public enum HookOutcome: Hashable, Sendable {
    case done
    case failed
    /// Nobody can tell: the supervisor could not be spoken with any more.
    case lost
}

/// A container that was asked to end and has not yet.
struct ContainerEnding: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// It is being started still.
        case starting
        /// Its preStop hook runs.
        case hook
        /// A sidecar: what it serves has not ended.
        case turn
        case signalled
    }

    var phase: Phase
    /// The end of its grace period.
    var until: BootInstant
    /// What a hook used up is given once more: to this time it is not killed.
    var notBefore: BootInstant?
}

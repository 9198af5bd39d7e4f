/// What a probe of a container is for.
public enum ProbeKind: String, Hashable, Sendable, CaseIterable {
    /// Whether it has started; until then the others wait.
    case startup = "Startup"
    /// Whether it must be ended, and run again.
    case liveness = "Liveness"
    /// Whether it is ready.
    case readiness = "Readiness"
}

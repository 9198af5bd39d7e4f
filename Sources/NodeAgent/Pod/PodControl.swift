/// What an operator may ask of the containers of a pod that stays.
public enum PodControl: String, Hashable, Sendable, CaseIterable {
    /// They end, and stay ended until they are started.
    case stop
    /// What was stopped runs again; what waits for its next start begins at once.
    case start
    /// They end, and run again.
    case restart
}

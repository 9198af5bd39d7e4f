/// What one run of a probe found.
public enum ProbeOutcome: Hashable, Sendable {
    case success
    /// A success that is to be told of.
    case warning(String)
    case failure(String)
    /// It could not be asked: nothing is known of the container.
    case error(String)
}

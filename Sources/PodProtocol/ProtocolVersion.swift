/// The protocol between the agent and a pod's supervisor: frames over a Unix stream socket.
///
/// Both sides send `Hello` first. Channel 0 carries one JSON message a frame; the other channels carry the bytes of the
/// one session that a connection may have. The supervisor outlives the agent, so either side may be the older one: a
/// field that is not known is ignored, a request that is not known is answered `unsupported`, an event that is not known
/// is skipped.
public enum ProtocolVersion {
    /// The version this build speaks.
    public static let current: Int64 = 1
    /// The oldest version this build still speaks.
    public static let oldest: Int64 = 1
    /// What this build can do beyond the version's base.
    public static let features = ["exec", "exec-tty", "log-rotation", "oom"]
    /// The schema number of the files: configuration and exit records.
    public static let schema: Int64 = 1
}

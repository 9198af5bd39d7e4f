import JSON

/// The protocol between the agent and a pod's supervisor: frames over a Unix stream socket.
///
/// Both sides send `Hello` first. Channel 0 carries one JSON message a frame; the other channels carry the bytes of the
/// one session that a connection may have, of a process (`exec`) or of a container itself (`attach`). The supervisor
/// outlives the agent, so either side may be the older one: a field that is not known is ignored, a request that is not
/// known is answered `unsupported`, an event that is not known is skipped. What can be told by that needs no new
/// version: only a message that the older side would take for something else does. The version spoken is the lower of
/// both sides' newest; `oldest` is raised only when nothing that speaks the version before can still run.
///
/// A build with `SWIFTLET_PROTOCOL_NEXT` defined stands for the next release in the tests of old with new: it has a
/// request, an event and fields that this version does not know.
public enum ProtocolVersion {
    #if SWIFTLET_PROTOCOL_NEXT
        public static let current: Int64 = 2
        public static let features = [
            "exec", "exec-tty", "log-rotation", "oom", attach, sysctls, pidTarget, appArmor, "next",
        ]
        /// The request and the event that only this build knows.
        public static let nextRequest = "next"
        public static let nextEvent = "nextHappened"
        /// A field that only this build knows, in every message that has a place for it.
        static let nextField: (name: String, value: JSONValue) = ("next", ["of": ["tomorrow"]])
    #else
        /// The version this build speaks.
        public static let current: Int64 = 1
        /// What this build can do beyond the version's base.
        public static let features = ["exec", "exec-tty", "log-rotation", "oom", attach, sysctls, pidTarget, appArmor]
    #endif
    /// The feature of a supervisor that gives containers a standard input and a terminal, and can be attached to.
    public static let attach = "attach"
    /// The feature of a supervisor that sets the kernel parameters of its configuration.
    public static let sysctls = "sysctls"
    /// The feature of a supervisor that starts containers in the pid namespace of another.
    public static let pidTarget = "pid-target"
    /// The feature of a supervisor that puts processes under the AppArmor profile of their runtime configuration.
    public static let appArmor = "apparmor"
    /// The oldest version this build still speaks.
    public static let oldest: Int64 = 1
    /// The schema number of the files: configuration and exit records.
    public static let schema: Int64 = 1
}

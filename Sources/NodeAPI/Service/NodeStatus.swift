import Base

/// The state of the node and of the agent, as `swiftlet status` shows it.
public struct NodeStatus: Sendable {
    /// One thing of the kernel or the host that was probed, and what the agent makes of it.
    public struct Feature: Sendable {
        public enum State: String, Sendable {
            case used
            case fallback
            case refused
        }
        public var name: String
        public var state: State
        /// What was found, and for a fallback what is done instead.
        public var detail: String

        public init(name: String, state: State, detail: String) {
            self.name = name
            self.state = state
            self.detail = detail
        }
    }

    /// A node condition with the kubelet's type and reason.
    public struct Condition: Sendable {
        public var type: String
        public var status: Bool
        public var reason: String
        public var message: String

        public init(type: String, status: Bool, reason: String, message: String) {
            self.type = type
            self.status = status
            self.reason = reason
            self.message = message
        }
    }

    public var version: String
    public var nodeName: String
    /// The `--root` prefix; empty for none.
    public var root: String
    public var processID: Int32
    public var started: Timestamp
    public var kernel: String
    /// Whether cpu, memory and pids limits are enforced by the kernel.
    public var limitsEnforced: Bool
    public var cgroupRoot: String
    /// The folder whose manifests are run.
    public var manifestFolder: String
    public var isDraining: Bool
    public var conditions: [Condition]
    public var features: [Feature]

    public init(
        version: String, nodeName: String, root: String, processID: Int32, started: Timestamp, kernel: String,
        limitsEnforced: Bool, cgroupRoot: String, manifestFolder: String, isDraining: Bool,
        conditions: [Condition] = [],
        features: [Feature] = []
    ) {
        self.version = version
        self.nodeName = nodeName
        self.root = root
        self.processID = processID
        self.started = started
        self.kernel = kernel
        self.limitsEnforced = limitsEnforced
        self.cgroupRoot = cgroupRoot
        self.manifestFolder = manifestFolder
        self.isDraining = isDraining
        self.conditions = conditions
        self.features = features
    }
}

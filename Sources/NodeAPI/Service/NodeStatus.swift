import Base
import JSON

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
    public var isDraining: Bool
    public var conditions: [Condition]
    public var features: [Feature]

    public init(
        version: String, nodeName: String, root: String, processID: Int32, started: Timestamp, kernel: String,
        limitsEnforced: Bool, cgroupRoot: String, isDraining: Bool, conditions: [Condition] = [],
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
        self.isDraining = isDraining
        self.conditions = conditions
        self.features = features
    }
}

/// Something wrong in the manifest folder.
public struct ManifestProblem: Sendable, Hashable {
    /// Path of the file.
    public var path: String
    /// The place, both counted from 1; 0 when the whole file is meant.
    public var line: Int
    public var column: Int
    /// What is wrong and what to do, `unknown field "spec.containers[0].imagee" (did you mean "image"?)`.
    public var message: String
    /// `namespace/name` of the pod whose last good version keeps running; nil when there is none.
    public var keepsRunning: String?

    public init(path: String, line: Int, column: Int, message: String, keepsRunning: String? = nil) {
        self.path = path
        self.line = line
        self.column = column
        self.message = message
        self.keepsRunning = keepsRunning
    }
}

/// An image of the store.
public struct ImageSummary: Sendable, Hashable {
    /// Normalised names with tag, `docker.io/library/busybox:latest`; empty for an image that lost its name.
    public var names: [String]
    /// Digest of the manifest, `sha256:…`.
    public var digest: String
    /// Digest of the configuration, which is the image's ID.
    public var id: String
    /// Bytes on disk.
    public var size: Int64
    public var created: Timestamp?
    /// `namespace/name` of the pods that use it.
    public var usedBy: [String]

    public init(
        names: [String], digest: String, id: String, size: Int64, created: Timestamp? = nil, usedBy: [String] = []
    ) {
        self.names = names
        self.digest = digest
        self.id = id
        self.size = size
        self.created = created
        self.usedBy = usedBy
    }
}

/// What removing an image did.
public struct ImageRemoval: Sendable, Hashable {
    /// Names that are gone.
    public var untagged: [String]
    /// Digests of images that are gone.
    public var deleted: [String]

    public init(untagged: [String], deleted: [String]) {
        self.untagged = untagged
        self.deleted = deleted
    }
}

/// Where the log of a container is.
public struct LogSource: Sendable, Hashable {
    /// Folder of the container's log files, `…/<container>`, which holds `<attempt>.log` and rotated ones.
    public var folder: String
    /// The attempt (restart count) to read.
    public var attempt: Int
    /// True when nothing more will be written: this attempt has ended, and no other follows it.
    public var isComplete: Bool

    public init(folder: String, attempt: Int, isComplete: Bool) {
        self.folder = folder
        self.attempt = attempt
        self.isComplete = isComplete
    }
}

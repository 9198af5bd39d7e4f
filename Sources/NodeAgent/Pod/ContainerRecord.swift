import Base

/// What the agent knows of one container of a pod: the current attempt, the one before, and what is being waited for.
public struct ContainerRecord: Hashable, Sendable {
    /// A run that ended, or that could not begin.
    public struct Termination: Hashable, Sendable {
        public var exitCode: Int32
        /// The signal that ended it, or 0.
        public var signal: Int32
        /// `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerStatusUnknown`.
        public var reason: String
        public var message: String?
        public var startedAt: Timestamp?
        public var finishedAt: Timestamp
        public var containerID: String?

        public init(
            exitCode: Int32, signal: Int32 = 0, reason: String, message: String? = nil, startedAt: Timestamp? = nil,
            finishedAt: Timestamp, containerID: String? = nil
        ) {
            self.exitCode = exitCode
            self.signal = signal
            self.reason = reason
            self.message = message
            self.startedAt = startedAt
            self.finishedAt = finishedAt
            self.containerID = containerID
        }
    }

    /// The user that the container's first process runs as.
    public struct User: Hashable, Sendable {
        public var uid: UInt32
        public var gid: UInt32
        public var groups: [UInt32]
        public init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
            self.uid = uid
            self.gid = gid
            self.groups = groups
        }
    }

    public enum State: Hashable, Sendable {
        /// Not begun, or held back: the kubelet's waiting reason and message; without a reason it is simply not its
        /// turn.
        case waiting(reason: String?, message: String?)
        /// Asked of the supervisor, not yet answered.
        case starting
        case running(since: Timestamp)
        case terminated(Termination)
    }

    public let name: String
    /// The manifest's image, as of the last run that was begun.
    public internal(set) var image: String
    public let isInit: Bool
    public var state: State = .waiting(reason: nil, message: nil) {
        didSet {
            if isRunning { return }
            (isStarted, isReady) = (false, false)
            if state == .starting { hasFailedProbe = false }
        }
    }
    /// It runs, and its startup probe, if it has one, has succeeded. Kept over restarts of the agent, as `isReady` is.
    public var isStarted = false
    /// It is started, and its readiness probe, if it has one, says so.
    public var isReady = false
    /// A probe has found that the run must end, and another follow unless the pod never restarts.
    public var hasFailedProbe = false
    public var lastTermination: Termination?
    /// Runs begun after the first. The current attempt's number.
    public var restartCount = 0
    /// A run was begun (and `restartCount` counts it).
    public var hasBegun = false
    public var containerID: String?
    public var imageID: String?
    /// Folders of the layers that the current attempt stands on: they stay as long as it does, also when the image is
    /// removed meanwhile.
    public var layers: [String] = []
    public var user: User?
    public var backOff = CrashLoopBackOff()
    /// The time between the last two pulls of its image, while these fail. A new agent begins anew.
    public var pullDelay: Nanoseconds?
    /// The image that it waits for, where that is one of a volume.
    public var missingImage: String?
    /// Its run has begun, and its postStart hook has not ended well.
    public var isPostStarting = false
    /// Its preStop hook has ended: it is not run again for this run.
    public var hasPreStopped = false
    /// The operator stopped it: it does not run, over restarts of the agent and of the machine, until it is started.
    public var isHeld = false
    /// The operator asked for another run: it begins when the one that is being stopped has ended, however it did.
    public var mustRunAgain = false
    /// When the next run may begin, while it is held back for a time. Of this boot: after another all begins anew.
    public var heldUntil: BootInstant?

    public init(name: String, image: String, isInit: Bool) {
        self.name = name
        self.image = image
        self.isInit = isInit
    }

    /// The run that was begun did not come to be: the same attempt is made again.
    mutating func takeBackStart() {
        if restartCount == 0 { hasBegun = false } else { restartCount -= 1 }
    }

    /// A process of it runs, or may be about to.
    public var isLive: Bool {
        switch state {
        case .starting, .running: true
        case .waiting, .terminated: false
        }
    }

    public var isRunning: Bool { if case .running = state { true } else { false } }

    public var termination: Termination? { if case .terminated(let t) = state { t } else { nil } }

    /// It ended with exit code 0 and is not to run again.
    public var hasSucceeded: Bool { termination?.exitCode == 0 }
}

import Base

/// What happens to a pod, as its machine is told.
public enum PodInput: Sendable {
    /// Namespaces, cgroups, volumes and the supervisor are ready.
    case sandboxReady
    /// The sandbox of an earlier run of the agent is still there, with these containers.
    case sandboxAdopted([AdoptedContainer])
    /// They could not be made; it is tried again after a while.
    case sandboxFailed(message: String)
    /// This node does not run it.
    case rejected(PodRejection)
    /// A volume could not be made ready; it is tried again after a while.
    case volumeFailed(message: String)
    case containerStarted(name: String, attempt: Int, StartedContainer)
    case containerNotStarted(name: String, attempt: Int, StartFailure)
    case containerExited(name: String, attempt: Int, ContainerRecord.Termination)
    case hookEnded(Hook, name: String, attempt: Int, HookOutcome)
    /// The images of these containers, which wait for them, are on the node now.
    case imagesHere(containers: Set<String>)
    /// A ConfigMap or Secret that the pod names has changed.
    case objectsChanged(forPulls: Bool)
    /// The network of pods is another, or can be had that could not.
    case networkChanged
    case timer(PodTimer)
    /// A probe has said it often enough. `grace` is for the end of the container, where that follows.
    case probed(ProbeVerdict, grace: Nanoseconds)
    /// The operator stops, starts or restarts containers.
    case control(PodControl, containers: Set<String>, grace: Nanoseconds)
    /// Containers have other images, and nothing else has changed.
    case edited(PodPlan)
    /// The pod is given a further container to look into it.
    case debug(name: String, image: String)
    /// The pod fails as a whole: what runs of it ends within its grace period, and it stays.
    case fail(PodFailure)
    /// The pod is to end: its manifest is gone or changed, or the node drains.
    case stop(grace: Nanoseconds, message: String)
    /// As `stop`, for a pod of an earlier run of the agent: it ends when it is known what of it runs, and starts
    /// nothing before.
    case stopWhenKnown(grace: Nanoseconds, message: String)
    /// The supervisor died; what it watched was killed by the agent.
    case supervisorLost(at: Timestamp)
    /// The supervisor lives and cannot be spoken with, nor could it be by the last try: what it runs goes on.
    case supervisorUnreachable(message: String)
    /// Everything the pod held is released.
    case tornDown
    /// A release failed part-way; it is tried again.
    case teardownFailed(message: String)
}

/// A container attempt that the supervisor knows, found when the agent took up a pod of its earlier run.
public struct AdoptedContainer: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case running(StartedContainer)
        case ended(ContainerRecord.Termination)
    }
    public var name: String
    public var attempt: Int
    public var state: State
    /// How it ended; nil while it runs.
    public var end: ContainerRecord.Termination? { if case .ended(let end) = state { end } else { nil } }
    public var hasEnded: Bool { end != nil }
    public init(name: String, attempt: Int, state: State) {
        self.name = name
        self.attempt = attempt
        self.state = state
    }
}

public struct StartedContainer: Hashable, Sendable {
    public var containerID: String
    public var imageID: String
    /// Folders of the layers that it stands on.
    public var layers: [String]
    public var startedAt: Timestamp
    public var user: ContainerRecord.User?
    public init(
        containerID: String, imageID: String, layers: [String] = [], startedAt: Timestamp, user: ContainerRecord.User?
    ) {
        self.containerID = containerID
        self.imageID = imageID
        self.layers = layers
        self.startedAt = startedAt
        self.user = user
    }
}

/// Why a container did not start.
public struct StartFailure: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// Its image is not here and is not pulled: nothing is tried until it is here.
        case image
        /// Its image could not be pulled: tried again, after longer and longer times, or when it is here.
        case pull
        /// It was given up, because its container is to end.
        case givenUp
        /// A ConfigMap or Secret is not there: nothing is tried until one changes.
        case object
        /// Its configuration cannot be carried out now; tried again at intervals.
        case configuration
        /// The container was made and its process could not be executed: counts as a run with exit code 128.
        case execution
    }
    public var kind: Kind
    /// The kubelet's reason, `ErrImageNeverPull`, `CreateContainerConfigError`, `RunContainerError`.
    public var reason: String
    public var message: String
    public var at: Timestamp
    /// The image that is not here, where it is another than the container's own.
    public var image: String?
    public init(_ kind: Kind, reason: String, message: String, at: Timestamp) {
        self.kind = kind
        self.reason = reason
        self.message = message
        self.at = at
    }
}

public enum PodTimer: Hashable, Sendable {
    case sandboxRetry
    case restart(container: String)
    /// It is to be told that the next pull is waited for.
    case pullBackOff(container: String)
    case graceOver
    /// What was killed when the grace period was over should have ended by now.
    case killOver
    /// The time is over that a container has to end which was asked to, while the pod stays.
    case stopGraceOver(container: String, attempt: Int)
    /// It is to be seen whether a hook that was lost is to run again.
    case hookRetry(Hook, container: String, attempt: Int)
    case teardownRetry
    /// The pod may be active no longer.
    case activeDeadline
}

/// What the machine wants done. The worker carries it out and answers with events.
public enum PodDirective: Hashable, Sendable {
    case makeSandbox
    case start(container: String, attempt: Int)
    /// The start that is under way is given up as far as it has not reached the supervisor.
    case giveUpStart(container: String)
    /// Runs a hook of the container, unless it runs already.
    case runHook(Hook, container: String, attempt: Int)
    /// What of its hooks runs is cut off, and not told of any more.
    case cancelHook(container: String)
    /// The container's stop signal, to its first process.
    case stopContainer(container: String)
    /// SIGKILL to everything in the container.
    case killContainer(container: String)
    case arm(PodTimer, after: Nanoseconds)
    /// Release all of the sandbox: supervisor, cgroups, mounts. `final`: the pod's files too.
    case tearDown(final: Bool)
    case record(EventNote)
    /// The pod is over and released; the worker ends.
    case finished
}

/// An event for people, in Kubernetes' words.
public struct EventNote: Hashable, Sendable {
    public var isWarning: Bool
    public var reason: String
    public var message: String
    /// The container it is about, nil for the pod.
    public var container: String?
    public init(_ reason: String, _ message: String, container: String? = nil, warning: Bool = false) {
        self.isWarning = warning
        self.reason = reason
        self.message = message
        self.container = container
    }
}

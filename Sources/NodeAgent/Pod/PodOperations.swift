import Base
import Kube
import PodRuntime

/// What a pod's worker has done to the machine it runs on. The worker decides, these carry out.
@LoopActor
public protocol PodOperations: AnyObject {
    /// Makes namespaces, cgroups, volumes and files of the pod and starts its supervisor.
    ///
    /// - Returns: nil for a new sandbox; what runs in it when one was still there, an earlier agent's or one whose
    ///   supervisor could not be reached for a while.
    /// - Throws: `SupervisorUnreachable` when what runs goes on and cannot be taken up, `SupervisorGone` when it was
    ///   killed because its supervisor had died. Else an error whose description is a sentence for people: what was
    ///   made stays for the next try.
    func makeSandbox() async throws -> [AdoptedContainer]?

    /// Starts one attempt of a container.
    ///
    /// - Parameter record: what is known of the container, for its earlier attempts.
    func start(_ record: ContainerRecord, attempt: Int) async throws(StartFailure) -> StartedContainer

    /// Lets a start of the container fail at once that has not reached the supervisor: its image is being pulled.
    func giveUpStart(container: String)

    /// The images that are pulled for the pod, by container.
    var currentPulls: [ContainerPull] { get }

    /// The images that volumes of the pod show.
    var volumeImages: [VolumeImage] { get }

    /// Whether the container's image, and those of the volumes that it mounts, are on the node.
    func hasImage(container: String) -> Bool

    /// The pod has other metadata, other images or further containers: what is made of it from now on is made of these.
    func podChanged(_ pod: Pod, openPullPolicies: Set<String>)

    /// A ConfigMap or Secret that the pod names has changed.
    func objectsChanged()

    /// Runs a hook of the container; nothing when that hook of this attempt runs already.
    ///
    /// - Parameter completion: called once, later, on the loop; never after `cancelHook`.
    func runHook(
        _ hook: Hook, container: String, attempt: Int, _ completion: @escaping @LoopActor (HookOutcome) -> Void)

    /// Cuts off what of the container's hooks runs.
    func cancelHook(container: String)

    /// Sends the container's stop signal to its first process.
    func stop(container: String)

    /// Kills all processes of the container.
    func kill(container: String)

    /// Runs a probe of a container once. The answer comes on the loop, not from inside this call, and not any more when
    /// the run is cancelled.
    func probe(_ probe: Probe, container: String, completion: @escaping (ProbeOutcome) -> Void) -> ProbeRun

    /// Drops what is kept of an attempt that has ended: how it ended is on record.
    func forget(container: String, attempt: Int)

    /// Releases what `makeSandbox` made; with `final`, the pod's files and logs too. Done again after a failure.
    func tearDown(final: Bool) async throws

    /// The pod's supervisor while it is there: exec sessions are made with it.
    var supervisor: SupervisorClient? { get }

    /// The pod's addresses while its sandbox is there.
    var addresses: [String] { get }

    /// What the pod's networks have given it, for the annotation that says it; nil where it has no further ones.
    var networkStatus: String? { get }

    /// The sandbox is there, or an earlier agent left one that nobody has looked at yet.
    var isThere: Bool { get }

    /// Called once for each container that had started and ended.
    var onExit: ((_ container: String, _ attempt: Int, ContainerRecord.Termination) -> Void)? { get set }

    /// Called when the supervisor died; everything of the pod that ran has been killed.
    var onSupervisorLost: (() -> Void)? { get set }

    /// Called when the supervisor lives and cannot be spoken with any more, with why; `makeSandbox` takes it up again.
    var onSupervisorUnreachable: ((String) -> Void)? { get set }

    /// Notes for people about what the operations found on their way.
    var onNote: ((EventNote) -> Void)? { get set }
}

extension PodOperations {
    public var networkStatus: String? { nil }
}

/// A pod's supervisor lives, or nothing says that it does not, and cannot be spoken with.
public struct SupervisorUnreachable: Error, Hashable, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}

/// The supervisor of a pod had died before the agent came; what it ran was killed.
public struct SupervisorGone: Error {
    public init() {}
}

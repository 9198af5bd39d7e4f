import Base
import PodRuntime

/// What a pod's worker has done to the machine it runs on. The worker decides, these carry out.
@LoopActor
public protocol PodOperations: AnyObject {
    /// Makes namespaces, cgroups, volumes and files of the pod and starts its supervisor.
    ///
    /// - Returns: nil for a new sandbox; what runs in it when an earlier agent's was still there.
    /// - Throws: an error whose description is a sentence for people. What was made stays for the next try.
    func makeSandbox() async throws -> [AdoptedContainer]?

    /// Starts one attempt of a container.
    ///
    /// - Parameter record: what is known of the container, for its earlier attempts.
    func start(_ record: ContainerRecord, attempt: Int) async throws(StartFailure) -> StartedContainer

    /// Sends the container's stop signal to its first process.
    func stop(container: String)

    /// Kills all processes of the container.
    func kill(container: String)

    /// Drops what is kept of an attempt that has ended: how it ended is on record.
    func forget(container: String, attempt: Int)

    /// Releases what `makeSandbox` made; with `final`, the pod's files and logs too. Done again after a failure.
    func tearDown(final: Bool) async throws

    /// The pod's supervisor while it is there: exec sessions are made with it.
    var supervisor: SupervisorClient? { get }

    /// The pod's addresses while its sandbox is there.
    var addresses: [String] { get }

    /// Called once for each container that had started and ended.
    var onExit: ((_ container: String, _ attempt: Int, ContainerRecord.Termination) -> Void)? { get set }

    /// Called when the supervisor died; everything of the pod that ran has been killed.
    var onSupervisorLost: (() -> Void)? { get set }

    /// Notes for people about what the operations found on their way.
    var onNote: ((EventNote) -> Void)? { get set }
}

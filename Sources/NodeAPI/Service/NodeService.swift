import Base
import JSON
import Kube
import NodeAgent

/// What the API needs from the agent. Every call is made on the loop's thread and answers at once; what takes time
/// answers through a closure, called on the same thread, never from inside the call itself.
///
/// Pods and events travel as v1 JSON values, made by the agent: the API adds nothing to them.
public protocol NodeService: AnyObject {
    /// All pods of the node as v1 Pod, with `apiVersion` and `kind`, by namespace and name.
    func pods() -> [JSONValue]

    /// One pod; nil when the node has none of that name.
    func pod(namespace: String, name: String) -> JSONValue?

    /// What happened to a pod; nil when the node has none of that name.
    func timeline(namespace: String, name: String) -> PodTimeline?

    /// Stops, starts or restarts containers of a pod; answers when that is on disk.
    ///
    /// - Parameters:
    ///   - container: nil for all.
    ///   - gracePeriod: how long a container has to end, in seconds; nil for the pod's own.
    func control(
        _ action: PodAction, namespace: String, pod: String, container: String?, gracePeriod: Int64?,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void)

    /// Changes a part of a pod; answers with the pod when that is on disk.
    ///
    /// - Parameters:
    ///   - request: a Pod, of which only the subresource's list counts.
    ///   - form: whether that is all there is to be, or a change.
    func change(
        _ subresource: PodSubresource, _ request: JSONValue, _ form: ListForm, namespace: String, pod: String,
        completion: @escaping (Result<JSONValue, NodeServiceError>) -> Void)

    /// Replaces how long a pod's containers have to end, in seconds, until the agent is restarted. One that is being
    /// ended already gets less time by it, and never more.
    func setGracePeriod(_ seconds: Int64, namespace: String, pod: String) throws(NodeServiceError)

    /// Calls `handler` with every change of a pod from now on, until the subscription is cancelled.
    func watchPods(_ handler: @escaping (WatchEvent) -> Void) -> Subscription

    /// The ConfigMaps or Secrets that hold on the node, by namespace and name.
    func objects(_ kind: DataObject.Kind) -> [DataObject]

    /// What is wrong with the manifests, by path and place. Empty when all is well.
    func manifestProblems() -> [ManifestProblem]

    /// The events that are remembered as v1 Event, oldest first.
    func events() -> [JSONValue]

    /// Calls `handler` with every new or counted-up event from now on.
    func watchEvents(_ handler: @escaping (WatchEvent) -> Void) -> Subscription

    /// The images in the store.
    func images() -> [ImageSummary]

    /// An image in full.
    ///
    /// - Throws: `NodeServiceError` when there is none.
    func image(_ reference: String) throws(NodeServiceError) -> ImageDetails

    /// What the images take.
    func imageUsage() throws(NodeServiceError) -> ImageStoreUsage

    /// Removes images that no pod uses or names.
    ///
    /// - Parameters:
    ///   - all: also those that have a name.
    ///   - age: only those that have been here this long.
    ///   - isDry: only tells what would go.
    func pruneImages(
        all: Bool, olderThan age: Nanoseconds, isDry: Bool,
        completion: @escaping (Result<ImagePruning, NodeServiceError>) -> Void)

    /// Folder for image archives that arrive as a request body, on the store's file system.
    var imageUploadFolder: String { get }

    /// Runs `work` on a thread that may block, then `then` on the loop's thread.
    func runBlocking(_ work: @escaping @Sendable () -> Void, then: @escaping () -> Void)

    /// Loads the image archive at `path` and answers with the images in it.
    ///
    /// - Parameters:
    ///   - name: the name an image gets that has none in the archive, made of the file's name.
    ///   - progress: called a few times a second.
    func loadImage(
        path: String, name: String?, progress: @escaping (ImageProgress) -> Void,
        completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void)

    /// Pulls an image from its registry; what is here already is not fetched again.
    ///
    /// - Parameter progress: called a few times a second.
    /// - Returns: when cancelled, the caller does not want it any more: `completion` is called with a failure, and what
    ///   nobody else waits for ends.
    func pullImage(
        _ reference: String, progress: @escaping (ImageProgress) -> Void,
        completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void
    ) -> Subscription

    /// The images that are pulled for pods now.
    func pulls() -> [PodPull]

    /// Removes the image that `reference` (a name, as the user types it, or a digest) stands for.
    func removeImage(
        _ reference: String, completion: @escaping (Result<ImageRemoval, NodeServiceError>) -> Void)

    /// How an image was built, the last step first: objects of `created`, `createdBy`, `size`, `comment` and `layer`.
    func imageHistory(
        _ reference: String, completion: @escaping (Result<[JSONValue], NodeServiceError>) -> Void)

    /// Compares images, all when none is named, with what was recorded when they were unpacked. Answers with an object
    /// an image: `id`, `names`, `state` (`whole`, `broken`, `unknown`), `problems`, `entries`.
    ///
    /// - Parameter contents: files are read, too.
    func verifyImages(
        _ references: [String], contents: Bool,
        completion: @escaping (Result<[JSONValue], NodeServiceError>) -> Void)

    /// Saves images as an archive.
    ///
    /// - Parameters:
    ///   - format: `oci` or `docker`.
    ///   - output: gets the archive piece by piece; it is worth nothing when `completion` gets a failure.
    /// - Throws: `NodeServiceError` when it is known at once that this cannot work.
    func saveImages(
        _ references: [String], format: String, output: @escaping ([UInt8]) -> Void,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void
    ) throws(NodeServiceError) -> any ImageSaving

    /// Makes an image of the root file system in the tarball at `path`.
    func importImage(
        path: String, _ root: ImageRoot, progress: @escaping (ImageProgress) -> Void,
        completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void)

    /// The state of the node and of the agent.
    func status() -> NodeStatus

    /// The settings that hold, and where they come from.
    func configuration() -> NodeConfiguration

    /// Reads what the node and its pods use.
    ///
    /// - Parameter withDisk: also what pods have written, as it was within the last minute.
    func usage(withDisk: Bool, _ completion: @escaping (NodeUsage) -> Void)

    /// What has been counted since the agent started.
    func counters() -> NodeCounters

    /// Ends all pods gracefully and keeps new ones from starting. `progress` is called with sentences for people.
    ///
    /// - Parameter gracePeriod: replaces every pod's own when given; in seconds.
    func drain(
        gracePeriod: Int64?, progress: @escaping (String) -> Void,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void)

    /// Where the log of a container is. Asked again whenever the pod changed while its log is followed.
    ///
    /// - Parameter container: nil for the pod's only one (or its `kubectl.kubernetes.io/default-container`).
    /// - Throws: `NodeServiceError` with the kubelet's sentence when there is no such pod, container or attempt.
    func logSource(
        namespace: String, pod: String, container: String?, previous: Bool
    ) throws(NodeServiceError) -> LogSource

    /// Starts a process in a running container. The session is the caller's until `finished` is called or `cancel`.
    ///
    /// - Throws: `NodeServiceError` when it is known at once that this cannot work.
    func exec(_ request: ExecRequest, client: ExecClient) throws(NodeServiceError) -> any ExecSession

    /// Attaches to a running container. The session is the caller's until `finished` is called, when the container has
    /// ended, or `cancel`, which leaves the container as it is.
    ///
    /// - Throws: `NodeServiceError` when it is known at once that this cannot work.
    func attach(_ request: AttachRequest, client: ExecClient) throws(NodeServiceError) -> any ExecSession

    /// Connects to a port of a pod. The session is the caller's until `finished` is called or `cancel`; what is sent is
    /// its input, what the pod answers its output.
    ///
    /// - Throws: `NodeServiceError` when it is known at once that this cannot work.
    func forward(
        namespace: String, pod: String, port: UInt16, client: ExecClient
    ) throws(NodeServiceError) -> any ExecSession
}

import Base
import Images

/// The node's images: archives are read by short-lived processes of the agent's own program, one at a time; the agent
/// itself only reads the store's index.
@LoopActor
public final class ImageService {
    public let store: ImageStore
    /// Archives put here are loaded by themselves.
    public let importFolder: ImportFolder
    let loop: EventLoop
    let log: Log
    private var queue: [() -> Void] = []
    private var isBusy = false
    private var workers: [Int: ImageWorkerProcess] = [:]
    private var nextWorker = 0
    private var isTidying = false
    private var wantsTidying = false
    private let pulls: ImagePulls
    /// A removal kept layers that pods stood on.
    private var keptLayers = false

    /// The operator's files that pulls follow.
    public var pullFiles = PullFiles()

    /// The room that is kept free on the disk.
    public var diskFloor = DiskFloor()

    /// Called when an image was loaded, pulled or removed.
    public var onChange: () -> Void = {}

    /// Called when a pull ended in the middle because nobody wanted it any more: the store is to be swept.
    public var onAbandonedPull: () -> Void {
        get { pulls.onAbandoned }
        set { pulls.onAbandoned = newValue }
    }

    /// - Throws: `ImageError` when the import folder cannot be used.
    public init(store: ImageStore, loop: EventLoop, log: Log) throws(ImageError) {
        self.store = store
        self.loop = loop
        self.log = log
        pulls = ImagePulls(store: store, loop: loop)
        importFolder = try ImportFolder(
            path: store.importFolder, ledger: Path.join(store.root, "imported.json"), loop: loop)
    }

    /// Starts to watch the import folder. What is there already is loaded.
    public func start() throws(ImageError) {
        try importFolder.start { [weak self] in self?.loadNext() }
    }

    private func loadNext() {
        guard let candidate = importFolder.next() else { return }
        load(candidate.path) { [weak self, log] result in
            guard let self else { return }
            switch result {
            case .success(let images):
                log.info("images loaded from \(candidate.path): \(images.flatMap(\.names).joined(separator: ", "))")
            case .failure(let error): log.error("image archive \(candidate.path) is not loaded: \(error)")
            }
            do throws(ImageError) {
                try importFolder.finish(candidate, result.map { $0.map(\.id) })
            } catch {
                log.error("\(error)")
            }
            loadNext()
        }
    }

    /// Loads an archive in a process of its own.
    ///
    /// - Parameters:
    ///   - name: what an image without a name of its own is named by, instead of the file.
    ///   - progress: called a few times a second.
    public func load(
        _ path: String, name: String? = nil, progress: @escaping (ImportProgress) -> Void = { _ in },
        completion: @escaping (Result<[ImageWorkerMessage.Loaded], ImageError>) -> Void
    ) {
        let arguments = ["load", "--store", store.root] + (name.map { ["--name", $0] } ?? []) + ["--", path]
        unpack(arguments, progress, completion)
    }

    /// Runs a worker that makes images of a file, unless the disk is too full.
    func unpack(
        _ arguments: [String], _ progress: @escaping (ImportProgress) -> Void,
        _ completion: @escaping (Result<[ImageWorkerMessage.Loaded], ImageError>) -> Void
    ) {
        if let shortage = diskFloor.shortage(at: store.root) {
            return loop.enqueue { completion(.failure(ImageError(.storage, shortage))) }
        }
        run(arguments, progress: progress) { result in
            completion(
                result.flatMap { if case .loaded(let images) = $0 { .success(images) } else { .failure(Self.misfit) } })
        }
    }

    /// Pulls an image from its registry, or one of its mirrors, in a process of its own: the content that is not here
    /// yet. Calls for the same image with the same credentials share one transfer.
    ///
    /// - Parameters:
    ///   - credentials: texts of dockerconfigjson documents, in the order in which they are tried; those of the node
    ///     come after them.
    ///   - progress: called a few times a second.
    /// - Throws: `PullError` with a sentence for people; at once when the calling task is cancelled. A pull that nobody
    ///   waits for any more ends.
    public func pull(
        _ reference: ImageReference, credentials: [String], progress: @escaping (PullProgress) -> Void
    ) async throws(PullError) -> StoredImage {
        if let shortage = diskFloor.shortage(at: store.root) { throw PullError(.storage, shortage) }
        let image = try await pulls.pull(reference, credentials, pullFiles, progress)
        onChange()
        return image
    }

    /// Whether one of an image's names is being pulled.
    func isPulling(_ image: StoredImage) -> Bool { !pulls.names.isDisjoint(with: image.names) }

    /// Removes an image by name or id. Layers in `inUse` stay on the disk.
    public func remove(
        _ reference: String, inUse: Set<String>,
        completion: @escaping (Result<ImageStore.Removal, ImageError>) -> Void
    ) {
        let layers = inUse.sorted().flatMap { ["--in-use", $0] }
        if !inUse.isEmpty { keptLayers = true }
        run(["rm", "--store", store.root] + layers + ["--", reference]) { [weak self] result in
            if case .success = result { self?.tidy() }
            completion(
                result.flatMap {
                    if case .removed(let removal) = $0 { .success(removal) } else { .failure(Self.misfit) }
                })
        }
    }

    /// Deletes what removals left in the trash, behind everything else.
    private func tidy() {
        wantsTidying = isTidying
        if isTidying { return }
        isTidying = true
        runAside(["tidy", "--store", store.root]) { [weak self] result in
            guard let self else { return }
            if case .failure(let error) = result { log.warning("the image store's trash is not emptied: \(error)") }
            isTidying = false
            if wantsTidying { tidy() }
        }
    }

    /// Removes layers that a removed image left to the pods that stood on them, now that a pod has ended.
    public func podEnded(inUse: Set<String>) {
        guard keptLayers else { return }
        keptLayers = !inUse.isEmpty
        sweep(inUse: inUse)
    }

    /// Removes what interrupted imports left.
    public func sweep(inUse: Set<String>) {
        let layers = inUse.sorted().flatMap { ["--in-use", $0] }
        run(["sweep", "--store", store.root] + layers) { [log] result in
            if case .failure(let error) = result { log.warning("the image store is not tidied: \(error)") }
        }
    }

    static var misfit: ImageError { ImageError(.corrupt, "the image worker gave an answer that does not fit") }

    func run(
        _ arguments: [String], progress: @escaping (ImportProgress) -> Void = { _ in },
        completion: @escaping (Result<ImageWorkerMessage, ImageError>) -> Void
    ) {
        queue.append { [weak self] in self?.start(arguments, progress, completion) }
        startNext()
    }

    /// Runs a worker beside those that wait for each other, which change the store.
    func runAside(
        _ arguments: [String], keep: [SharedDescriptor] = [], endsWithAgent: Bool = false,
        completion: @escaping (Result<ImageWorkerMessage, ImageError>) -> Void
    ) {
        let id = nextWorker
        nextWorker += 1
        let finish = { [weak self] (result: Result<ImageWorkerMessage, ImageError>) in
            self?.workers[id] = nil
            completion(result)
        }
        do throws(SystemError) {
            workers[id] = try ImageWorkerProcess(
                arguments, keep: keep, endsWithAgent: endsWithAgent, loop: loop, completion: finish)
        } catch {
            loop.enqueue { finish(.failure(ImageError(.storage, "cannot start the image worker: \(error)"))) }
        }
    }

    private func startNext() {
        guard !isBusy, !queue.isEmpty else { return }
        isBusy = true
        queue.removeFirst()()
    }

    private func start(
        _ arguments: [String], _ progress: @escaping (ImportProgress) -> Void,
        _ completion: @escaping (Result<ImageWorkerMessage, ImageError>) -> Void
    ) {
        let id = nextWorker
        nextWorker += 1
        let finish = { [weak self] (result: Result<ImageWorkerMessage, ImageError>) in
            self?.workers[id] = nil
            self?.isBusy = false
            if case .success = result { self?.onChange() }
            completion(result)
            self?.startNext()
        }
        do throws(SystemError) {
            workers[id] = try ImageWorkerProcess(
                arguments, loop: loop,
                progress: { message in if case .progress(let done) = message { progress(done) } },
                completion: finish)
        } catch {
            loop.enqueue { finish(.failure(ImageError(.storage, "cannot start the image worker: \(error)"))) }
        }
    }
}

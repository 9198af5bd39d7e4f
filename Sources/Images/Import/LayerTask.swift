import Base
import CLinux
import OCI
import Synchronization

/// One layer that is not in the store: where it comes from, where it is unpacked to, and what came of it.
struct LayerTask: Sendable {
    var layer: ImagePlan.Layer
    /// For messages: `layer 2 of 5`.
    var title: String
    /// The folder it is unpacked into.
    var folder: String
    /// Where its blob comes from, when that is not there yet.
    var arriving: ArrivingBlob?
    /// Whether it is decompressed by a thread of its own.
    private var readsAhead = false

    init(layer: ImagePlan.Layer, title: String, folder: String, arriving: ArrivingBlob? = nil) {
        self.layer = layer
        self.title = title
        self.folder = folder
        self.arriving = arriving
    }

    /// The file that its outline is written to.
    var outline: String { folder + ".outline" }

    /// Bytes as it is stored.
    private var size: Int64 { layer.blob?.size ?? arriving?.size ?? 0 }

    /// Unpacks and verifies the layer.
    func run(_ budget: ImportBudget) throws(ImageError) -> LayerUnpacker.Outcome {
        do throws(ImageError) {
            let root = try storage { () throws(SystemError) in
                try retrying("mkdir", folder) { mkdir(folder, 0o755) }
                return SharedDescriptor(try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
            }
            var source = layer.blob
            if source == nil { source = try arriving?.range() }
            guard let range = source else { throw ImageError(.notFound, "it is neither in the store nor fetched") }
            let stream = try BlobStream(
                range, blobAlgorithm: layer.blobDigest?.algorithm, contentAlgorithm: layer.diffID.algorithm,
                budget: budget, readsAhead: readsAhead)
            let recorder = try OutlineRecorder(stream, path: outline)
            let outcome = try LayerUnpacker(root: root, budget: budget).unpack(recorder)
            try recorder.finish(isComplete: !outcome.hasReplaced)
            let (blob, content) = try stream.digests()
            if let expected = layer.blobDigest, let blob, expected.hex != blob {
                throw ImageError(
                    .corrupt,
                    "the blob is damaged: its digest is \(expected.algorithm.rawValue):\(blob), not \(expected)")
            }
            guard let content, layer.diffID.hex == content else {
                throw ImageError(
                    .corrupt,
                    "the unpacked content has digest \(layer.diffID.algorithm.rawValue):\(content ?? ""), "
                        + "the image config says \(layer.diffID)")
            }
            return outcome
        } catch {
            throw error.during(title)
        }
    }

    /// Most layers that are unpacked at once: each may need 128 MiB to decompress.
    private static let width = 4

    /// Runs all tasks, the biggest first, as many at once as there are processors (2 to 4). One thread decompresses a
    /// layer of some size and another writes it: no processor is idle while the last of the layers is unpacked.
    ///
    /// - Throws: the first `ImageError` of any of them; the others are stopped.
    static func runAll(
        _ tasks: [LayerTask], _ budget: ImportBudget, done: @escaping @Sendable (Int) -> Void
    ) throws(ImageError) -> [LayerUnpacker.Outcome] {
        struct State {
            var next = 0
            var outcomes: [Int: LayerUnpacker.Outcome] = [:]
            var failure: ImageError?
        }
        if tasks.isEmpty { return [] }
        let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let threads = min(max(2, processors), width)
        var planned = tasks
        // What comes from elsewhere is not held up by this machine.
        for i in tasks.indices where processors > 1 && tasks[i].arriving == nil && tasks[i].size > 1 << 20 {
            planned[i].readsAhead = true
        }
        let (work, order) = (planned, tasks.indices.sorted { tasks[$0].size > tasks[$1].size })
        let state = SharedState(State())
        try storage { () throws(SystemError) in
            try Threads.run(min(threads, tasks.count), "unpacking") {
                // The mask belongs to the process unless the thread parts with its file system state.
                guard swl_unshare(CLONE_FS) == 0 else { return }
                _ = umask(0)
                while true {
                    let index = state.value.withLock { state -> Int? in
                        guard state.failure == nil, state.next < order.count else { return nil }
                        state.next += 1
                        return order[state.next - 1]
                    }
                    guard let index else { return }
                    do throws(ImageError) {
                        let outcome = try work[index].run(budget)
                        let count = state.value.withLock {
                            $0.outcomes[index] = outcome
                            return $0.outcomes.count
                        }
                        done(count)
                    } catch {
                        budget.cancel()
                        state.value.withLock { if $0.failure == nil { $0.failure = error } }
                        return
                    }
                }
            }
        }
        let (outcomes, failure) = state.value.withLock { ($0.outcomes, $0.failure) }
        if let failure { throw failure }
        let ordered = tasks.indices.compactMap { outcomes[$0] }
        guard ordered.count == tasks.count else {
            throw ImageError(.storage, "the unpacking threads could not start (unshare CLONE_FS refused)")
        }
        return ordered
    }

    /// A mutex that closures can share.
    private final class SharedState<Value: Sendable>: Sendable {
        let value: Mutex<Value>
        init(_ value: sending Value) { self.value = Mutex(value) }
    }
}

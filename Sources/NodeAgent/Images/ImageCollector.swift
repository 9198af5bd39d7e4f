import Base
import CLinux
import Images

/// Removes images when the disk gets full, or when nobody has used them for long, as the kubelet does.
@LoopActor
public final class ImageCollector {
    /// The kubelet's.
    static let interval = Nanoseconds.seconds(300)

    /// Changing it looks at once.
    public var policy: ImageCollection.Policy {
        didSet { if policy != oldValue, timer != nil { Task { await collect() } } }
    }
    private let images: ImageService
    private let agent: Agent
    private let log: Log
    private let loop: EventLoop
    private var uses: ImageUses
    private var timer: EventLoop.Token?
    private var isCollecting = false
    private var failures = 0
    /// The store's file system; replaced in tests.
    var disk: () throws(SystemError) -> ImageCollection.Disk

    public init(_ images: ImageService, _ agent: Agent, _ policy: ImageCollection.Policy, loop: EventLoop, log: Log) {
        self.images = images
        self.agent = agent
        self.policy = policy
        self.loop = loop
        self.log = log
        let root = images.store.root
        uses = ImageUses(path: Path.join(root, "used.json"))
        disk = { () throws(SystemError) in try Self.disk(of: root) }
    }

    public func start() {
        timer = loop.schedule(after: Self.interval) { [weak self] in
            guard let self else { return }
            start()
            Task { await self.collect() }
        }
    }

    public func stop() {
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    /// Looks once.
    func collect() async {
        if isCollecting { return }
        isCollecting = true
        defer { isCollecting = false }
        do {
            let stored = try images.store.list()
            let now = Timestamp.now
            do throws(SystemError) {
                try uses.update(
                    used: agent.imagesInUse(images.store), all: Set(stored.map(\.id)), at: now)
            } catch {
                log.warning("when images were used is not written down: \(error)")
            }
            let collection = ImageCollection(policy, now: now)
            for candidate in collection.expired(try candidates()) {
                log.info("image \(candidate.id) goes: nobody has used it for longer than imageMaximumGCAge")
                try await remove(candidate)
            }
            try await free(collection)
            failures = 0
        } catch {
            failures += 1
            log.error("image garbage collection failed: \(error)")
            if failures > 1 { agent.events.recordNode("ImageGCFailed", "\(error)") }
        }
    }

    private func free(_ collection: ImageCollection) async throws {
        let before = try disk()
        guard before.capacity > 0 else {
            agent.events.recordNode("InvalidDiskCapacity", "invalid capacity 0 on image filesystem")
            throw ImageError(.storage, "invalid capacity 0 on image filesystem")
        }
        guard let excess = collection.excess(before) else { return }
        log.info(
            "the image file system is \(before.usage) % full (imageGCHighThresholdPercent \(collection.policy.high)): "
                + "\(excess) bytes of unused images are to go")
        var freed: Int64 = 0
        for candidate in collection.removable(try candidates()) where freed < excess {
            let size = try images.store.usage().bytesOnly(of: [candidate.id])
            if try await remove(candidate) { freed += size }
        }
        guard freed < excess else { return }
        let message =
            "Insufficient free disk space on the node's image filesystem (\(before.usage)% of \(before.capacity) bytes "
            + "used). Failed to free sufficient space by deleting unused images (freed \(freed) bytes). Investigate disk "
            + "usage, as it could be used by active images, logs, volumes, or other data."
        agent.events.recordNode("FreeDiskSpaceFailed", message)
        throw ImageError(.storage, message)
    }

    /// Images that may go at all.
    private func candidates() throws -> [ImageCollection.Candidate] {
        let used = agent.imagesInUse(images.store)
        let pinned = images.importFolder.presentImages
        return try images.store.list().compactMap { image in
            guard !used.contains(image.id), !pinned.contains(image.id), !images.isPulling(image) else { return nil }
            return ImageCollection.Candidate(
                id: image.id, imported: image.imported, lastUsed: uses.lastUsed(image.id) ?? image.imported)
        }
    }

    /// - Returns: false when a pod has come for it meanwhile, or it is gone.
    @discardableResult
    private func remove(_ candidate: ImageCollection.Candidate) async throws -> Bool {
        guard try candidates().contains(where: { $0.id == candidate.id }) else { return false }
        let result = await withCheckedContinuation { continuation in
            images.remove(candidate.id, inUse: agent.layersInUse(images.store)) { continuation.resume(returning: $0) }
        }
        let names = try result.get().untagged.joined(separator: ", ")
        log.info("image \(candidate.id) is removed (\(names))")
        return true
    }

    private static func disk(of path: String) throws(SystemError) -> ImageCollection.Disk {
        var status = statvfs()
        try retrying("statvfs", path) { statvfs(path, &status) }
        let unit = Int64(clamping: status.f_frsize)
        func bytes(_ blocks: UInt) -> Int64 {
            let (product, overflow) = Int64(clamping: blocks).multipliedReportingOverflow(by: unit)
            return overflow ? Int64.max : product
        }
        return ImageCollection.Disk(capacity: bytes(status.f_blocks), available: bytes(status.f_bavail))
    }
}

import Base
import CLinux
import Compression
import OCI

extension ImageStore {
    /// Loads all images of an OCI layout or docker-archive tarball, plain or compressed as a whole, or of a folder with
    /// an OCI layout. All of them are in the store when this returns, durably; when it throws, the store is as it was.
    /// Blocks for seconds and reads hostile bytes: call it in a process of its own (`ImageWorker`). Needs root.
    ///
    /// - Parameters:
    ///   - name: what an image without a name of its own is named by, instead of the file.
    ///   - progress: called from any thread, a few times a second.
    /// - Throws: `ImageError` naming the archive and the part that is refused.
    public func importArchive(
        _ path: String, name: String? = nil, limits: ImageLimits = ImageLimits(),
        progress: @escaping @Sendable (ImportProgress) -> Void = { _ in }
    ) throws(ImageError) -> [StoredImage] {
        do throws(ImageError) {
            let source = try Self.open(path)
            let session = try ImportSession(self)
            defer { session.end() }
            let loading = try Loading(session, limits, progress)
            let archive =
                switch source {
                case .file(let range): try Archive(try plain(range, session, loading.budget), limits: limits)
                case .folder(let folder): Archive(folder, limits: limits)
                }
            return try load(try plan(archive, FallbackName(file: Self.stem(name ?? path))), loading)
        } catch {
            throw error.during("cannot load \"\(escaped(name ?? path))\"")
        }
    }

    enum Source {
        case file(ByteRange)
        case folder(LayoutFolder)
    }

    static func open(_ path: String) throws(ImageError) -> Source {
        let (file, status) = try storage { () throws(SystemError) in
            // Not waiting for the writer of a fifo.
            let file = SharedDescriptor(try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY))
            return (file, try file.descriptor.status(name: path))
        }
        if swl_is_dir(status.st_mode) { return .folder(LayoutFolder(file, name: path)) }
        guard swl_is_regular(status.st_mode) else {
            throw ImageError(.notAnArchive, "it is neither a regular file nor a folder")
        }
        guard status.st_size > 0 else { throw ImageError(.truncated, "the file is empty") }
        return .file(ByteRange(file: file, offset: 0, size: Int64(status.st_size)))
    }

    /// A path without the slashes that a shell's completion puts behind a folder.
    private static func stem(_ path: String) -> String {
        var path = path[...]
        while path.hasSuffix("/") { path = path.dropLast() }
        return String(path)
    }

    /// An import that is going on.
    struct Loading {
        let session: ImportSession
        let counter: ProgressCounter
        let budget: ImportBudget

        init(
            _ session: ImportSession, _ limits: ImageLimits, _ progress: @escaping @Sendable (ImportProgress) -> Void
        ) throws(ImageError) {
            let counter = ProgressCounter(progress)
            self.session = session
            self.counter = counter
            budget = ImportBudget(limits, freeBytes: try session.freeBytes()) { counter.bytes($0) }
        }
    }

    /// Unpacks and commits the images of an archive.
    ///
    /// - Parameter unpacked: what is unpacked already, by chain.
    func load(
        _ plans: [ImagePlan], _ loading: Loading,
        unpacked: [ImageDigest: (task: LayerTask, outcome: LayerUnpacker.Outcome)] = [:]
    ) throws(ImageError) -> [StoredImage] {
        let (session, counter, budget) = (loading.session, loading.counter, loading.budget)
        // What is there already is not unpacked again.
        let known = try index()
        var tasks = unpacked.values.map(\.task)
        var outcomes = unpacked.values.map(\.outcome)
        var places: [ImageDigest: LayerPlace] = [:]
        for plan in plans {
            for (n, layer) in plan.layers.enumerated() where places[layer.chainID] == nil {
                if let name = storedName(layer, known) {
                    places[layer.chainID] = .stored(name)
                } else if let at = tasks.firstIndex(where: { $0.layer.chainID == layer.chainID }) {
                    places[layer.chainID] = .task(at)
                } else {
                    places[layer.chainID] = .task(tasks.count)
                    tasks.append(
                        LayerTask(
                            layer: layer, title: "layer \(n + 1) of \(plan.layers.count)",
                            folder: Path.join(session.path, "\(tasks.count)")))
                }
            }
        }
        let before = outcomes.count
        counter.start(layers: tasks.count)
        outcomes += try LayerTask.runAll(Array(tasks[before...]), budget) {
            counter.layers(before + $0, bytes: budget.expandedBytes)
        }
        var results = zip(tasks, outcomes).map {
            UnpackedLayer(folder: $0.folder, size: $1.size, outline: $0.outline, name: nil)
        }
        var records: [StoreIndex.Image] = []
        for plan in plans { records.append(try assemble(plan, places, outcomes, &results)) }
        let documents = try write(plans.map(\.documents), session)
        if !tasks.isEmpty || !documents.isEmpty { try session.sync() }
        return try commit(records, results, documents)
    }

    /// The folder of the layer where it stands, when it is here.
    func storedName(_ layer: ImagePlan.Layer, _ index: StoreIndex) -> String? {
        [Self.sharedName(layer), Self.chainName(layer)].first {
            // Without an outline it cannot be saved: taken again where it can be had at no cost.
            index.layerSizes[$0] != nil && !index.brokenLayers.contains($0) && Files.isDirectory(layerPath($0))
                && (layer.blob == nil || Files.exists(outlinePath($0)))
        }
    }

    func layerPath(_ name: String) -> String { Path.join(layersFolder, name) }

    func outlinePath(_ name: String) -> String { Path.join(outlinesFolder, name) }

    /// The folder of a layer that means the same on top of any other.
    static func sharedName(_ layer: ImagePlan.Layer) -> String {
        "\(layer.diffID.algorithm.rawValue)-\(layer.diffID.hex)"
    }

    /// The folder of a layer that was adapted to those below it.
    static func chainName(_ layer: ImagePlan.Layer) -> String {
        "chain-\(layer.chainID.algorithm.rawValue)-\(layer.chainID.hex)"
    }

    // MARK: - Reading the archive

    /// The archive without compression of the whole file: a nameless copy in the store when it had one.
    private func plain(
        _ range: ByteRange, _ session: ImportSession, _ budget: ImportBudget
    ) throws(ImageError) -> ByteRange {
        let stream = try BlobStream(range, blobAlgorithm: nil, contentAlgorithm: nil, budget: budget)
        if stream.compression == .plain { return range }
        let file = try session.temporaryFile()
        var size: Int64 = 0
        while true {
            let bytes = try stream.next(1 << 20)
            if bytes.isEmpty { return ByteRange(file: file, offset: 0, size: size) }
            size += Int64(bytes.count)
            try storage { () throws(SystemError) in
                var rest = bytes
                while !rest.isEmpty {
                    guard let n = try file.descriptor.write(rest) else { continue }
                    rest = UnsafeRawBufferPointer(rebasing: rest[n...])
                }
            }
        }
    }

    private func plan(_ archive: Archive, _ fallbackName: FallbackName) throws(ImageError) -> [ImagePlan] {
        // Newer Docker writes both; the OCI documents carry digests of everything.
        if try archive.contains("oci-layout") {
            var layout = OCILayout(archive, host: .host, fallbackName: fallbackName)
            return try layout.images()
        }
        if try archive.contains("manifest.json") {
            return try DockerArchive(archive: archive, host: .host, fallbackName: fallbackName).images()
        }
        if !archive.isComplete { throw ImageError(.truncated, "the archive is cut short") }
        if try archive.contains("repositories") {
            throw ImageError(
                .unsupported, "it was saved by a Docker older than 1.10 (no manifest.json); save the image again")
        }
        throw ImageError(
            .notAnArchive,
            "there is neither an OCI layout (oci-layout) nor a docker-archive (manifest.json) in it")
    }
}

import Base
import CLinux
import OCI

/// Where a layer of a plan is.
enum LayerPlace {
    /// In the store, under this name.
    case stored(String)
    /// Just unpacked, by the task of this number.
    case task(Int)
}

/// A layer that was just unpacked.
struct UnpackedLayer {
    var folder: String
    var size: Int64
    /// Where its outline is.
    var outline: String
    /// Its name in the store, once it is known whether it depends on those below.
    var name: String?
}

extension ImageStore {
    // MARK: - Putting it together

    /// Finishes the image's new layers from the lowest up and lists the folders it consists of.
    func assemble(
        _ plan: ImagePlan, _ places: [ImageDigest: LayerPlace], _ outcomes: [LayerUnpacker.Outcome],
        _ results: inout [UnpackedLayer]
    ) throws(ImageError) -> StoreIndex.Image {
        var stack = LayerStack(layers: [])
        var names: [String] = []
        for (n, layer) in plan.layers.enumerated() {
            guard let place = places[layer.chainID] else { continue }
            let folder: String
            switch place {
            case .stored(let name): (folder, _) = (layerPath(name), names.append(name))
            case .task(let index): folder = results[index].folder
            }
            let descriptor = try storage { () throws(SystemError) in
                SharedDescriptor(try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
            }
            if case .task(let index) = place {
                do throws(ImageError) {
                    let finisher = LayerFinisher(layer: descriptor, below: stack)
                    // The same stack may begin two images; it is finished once.
                    if results[index].name == nil {
                        let depends = try finisher.finish(outcomes[index])
                        results[index].name = depends ? Self.chainName(layer) : Self.sharedName(layer)
                    }
                    names.append(results[index].name ?? "")
                } catch {
                    throw error.during("layer \(n + 1) of \(plan.layers.count)")
                }
            }
            stack.layers.insert(descriptor, at: 0)
        }
        // From the top: a layer that comes twice counts where it is topmost (overlayfs refuses it twice), and nothing
        // shows from below a layer whose root is opaque (overlayfs does not look at the roots).
        var visible: [String] = []
        for (name, folder) in zip(names.reversed(), stack.layers) where !visible.contains(name) {
            visible.append(name)
            if LayerStack.isOpaque(folder) { break }
        }
        let hidden = names.filter { !visible.contains($0) }
        let tagged = plan.names.compactMap { name in name.tag.map { "\(name.name):\($0)" } }
        var digests: [String] = []
        for name in plan.names {
            for digest in plan.manifestDigests where !digests.contains("\(name.name)@\(digest)") {
                digests.append("\(name.name)@\(digest)")
            }
        }
        return StoreIndex.Image(
            id: plan.id.description, names: tagged, repoDigests: digests, size: 0, imported: Self.wholeSecond(.now),
            config: plan.config, layers: visible.reversed(), isPulled: plan.isPulled,
            manifest: plan.manifest?.description, hiddenLayers: hidden)
    }

    /// As the index keeps it.
    private static func wholeSecond(_ time: Timestamp) -> Timestamp {
        Timestamp(nanoseconds: time.nanoseconds - time.nanoseconds % 1_000_000_000)
    }

    /// Makes the new layers and images part of the store. What is renamed has been synced before; the index decides.
    func commit(
        _ records: [StoreIndex.Image], _ results: [UnpackedLayer], _ documents: [UnpackedDocument]
    ) throws(ImageError) -> [StoredImage] {
        try locked { () throws(ImageError) in
            let before = try index()
            var index = before
            var moved: [(from: String, to: String)] = []
            do throws(ImageError) {
                for result in results {
                    guard let name = result.name else { continue }
                    let path = layerPath(name)
                    // Somebody else may have unpacked the same layer meanwhile.
                    if index.layerSizes[name] != nil, Files.isDirectory(path), !index.brokenLayers.contains(name) {
                        if !Files.exists(outlinePath(name)) { try moveOutline(of: result, name, &moved) }
                        continue
                    }
                    try storage { () throws(SystemError) in
                        if Files.exists(path) { try setAside(name) }
                        try retrying("rename", result.folder) { rename(result.folder, path) }
                    }
                    moved.append((result.folder, path))
                    try moveOutline(of: result, name, &moved)
                    index.layerSizes[name] = result.size
                    index.brokenLayers.remove(name)
                }
                for document in documents {
                    let path = documentPath(document.name)
                    let isNew = !Files.exists(path)
                    try storage { () throws(SystemError) in
                        try retrying("rename", document.path) { rename(document.path, path) }
                    }
                    if isNew { moved.append((document.path, path)) }
                }
                try storage { () throws(SystemError) in
                    if !documents.isEmpty { try Files.syncDirectory(of: documentPath("x")) }
                    if !results.isEmpty { try Files.syncDirectory(of: outlinePath("x")) }
                    if !moved.isEmpty { try Files.syncDirectory(of: layerPath("x")) }
                }
                for var record in records {
                    record.size = record.layers.reduce(0) { $0 + (index.layerSizes[$1] ?? 0) }
                    index.add(record)
                }
                if index != before { try write(index) }
            } catch {
                takeBack(moved, before)
                throw error
            }
            return records.compactMap { record in index.images.first { $0.id == record.id }.map(stored) }
        }
    }

    private func moveOutline(
        of layer: UnpackedLayer, _ name: String, _ moved: inout [(from: String, to: String)]
    ) throws(ImageError) {
        let path = outlinePath(name)
        let isNew = !Files.exists(path)
        try storage { () throws(SystemError) in
            try retrying("rename", layer.outline) { rename(layer.outline, path) }
        }
        // One that took the place of another stays: that was damaged, or of the same stream.
        if isNew { moved.append((layer.outline, path)) }
    }

    /// After a failed commit: the old index, then the layers back to where they were unpacked. An index that cannot be
    /// put back may name them, so then they stay.
    private func takeBack(_ moved: [(from: String, to: String)], _ before: StoreIndex) {
        guard let current = try? index() else { return }
        if current != before {
            guard (try? write(before, durable: false)) != nil else { return }
        }
        for (from, to) in moved { _ = rename(to, from) }
    }
}

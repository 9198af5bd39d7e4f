import Base
import CLinux
import OCI

extension ImageStore {
    /// Compares images with what was recorded when they were unpacked. Layers that are found damaged are unpacked anew
    /// when the image is loaded or pulled again.
    ///
    /// - Parameters:
    ///   - references: the images; empty for all.
    ///   - contents: the contents of files are read and compared, too.
    /// - Throws: `ImageError`: `notFound`, or `storage` when the store cannot be read.
    public func verify(_ references: [String], contents: Bool) throws(ImageError) -> [ImageVerification] {
        // No layer goes away meanwhile.
        guard let holder = try layersHolder(LOCK_SH) else { throw ImageError(.storage, "cannot lock the layers") }
        defer { withExtendedLifetime(holder) {} }
        let index = try index()
        var images = index.images
        if !references.isEmpty {
            images = []
            for reference in references {
                guard let at = try index.find(reference) else {
                    throw ImageError(.notFound, "no image \"\(escaped(reference))\" in the store")
                }
                if !images.contains(where: { $0.id == index.images[at].id }) { images.append(index.images[at]) }
            }
        }
        var layers: [String: LayerReport] = [:]
        var results: [ImageVerification] = []
        for image in images { results.append(try verify(image, contents, &layers)) }
        try mark(layers.filter { $0.value.isBroken }.map(\.key))
        return results
    }

    private struct LayerReport {
        var problems: [String] = []
        var entries = 0
        var isUnknown = false
        var isBroken: Bool { !isUnknown && !problems.isEmpty }
    }

    private func verify(
        _ image: StoreIndex.Image, _ contents: Bool, _ known: inout [String: LayerReport]
    ) throws(ImageError) -> ImageVerification {
        var result = ImageVerification(id: image.id, names: image.names)
        var isUnknown = false
        do throws(ImageError) {
            _ = try configBytes(image)
            if let manifest = image.manifest.flatMap(ImageDigest.init), try document(manifest) == nil {
                throw ImageError(.corrupt, "the manifest \(manifest) is missing; \(Self.loadAgain)")
            }
        } catch {
            if error.reason == .storage { throw error }
            if error.reason == .notFound { isUnknown = true } else { result.state = .broken }
            result.problems.append(error.message)
        }
        let names = try Self.layerNames(of: image.config)
        let stored = Set(image.layers + image.hiddenLayers)
        for (n, layer) in names.enumerated() {
            guard let name = layer.candidates.first(where: stored.contains) else {
                // Before layers that show nothing were kept.
                isUnknown = true
                continue
            }
            let report: LayerReport
            if let found = known[name] { report = found } else { report = try check(name, layer.diffID, contents) }
            known[name] = report
            result.entries += report.entries
            result.problems += report.problems.map { "layer \(n + 1) of \(names.count) (\(layer.diffID)): \($0)" }
            if report.isBroken { result.state = .broken }
            if report.isUnknown { isUnknown = true }
        }
        if isUnknown, result.state == .whole { result.state = .unknown }
        return result
    }

    private func check(_ name: String, _ diffID: ImageDigest, _ contents: Bool) throws(ImageError) -> LayerReport {
        var report = LayerReport()
        do throws(ImageError) {
            let verifier = try LayerVerifier(name, folder: layerPath(name))
            defer { (report.entries, report.problems) = (verifier.entries, report.problems + verifier.problems) }
            try verifier.run(outline: outlinePath(name))
            if contents {
                try LayerReplay(folder: layerPath(name), outline: outlinePath(name)).run(diffID) { _ in }
            }
        } catch {
            switch error.reason {
            case .storage where error.errno != EIO: throw error
            // No outline, or one that says that there can be none.
            case .notFound, .unsupported: report.isUnknown = true
            default: break
            }
            report.problems.append(error.message)
        }
        return report
    }

    /// Remembers damaged layers.
    private func mark(_ names: [String]) throws(ImageError) {
        if names.isEmpty { return }
        try locked { () throws(ImageError) in
            var index = try index()
            let before = index
            index.brokenLayers.formUnion(names.filter { index.layerSizes[$0] != nil })
            if index != before { try write(index) }
        }
    }
}

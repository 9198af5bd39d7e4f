import JSON
import OCI

/// Reads an OCI image layout: `oci-layout`, `index.json`, `blobs/ALGORITHM/HEX`.
struct OCILayout {
    /// An image manifest that an index leads to.
    private struct Candidate {
        /// Nil for one of another platform, whose content need not be there.
        var content: (manifest: ImageManifest, config: ImageConfig)?
        /// The manifest's and the config's bytes, by digest.
        var documents: [ImageDigest: [UInt8]] = [:]
        var platform: ImagePlatform
        /// Digests of the manifest and of the indexes above it inside the layout.
        var digests: [ImageDigest]
    }

    let archive: Archive
    let host: ImagePlatform
    /// Names an image that brings only a tag, or nothing.
    let fallbackName: FallbackName
    /// Blobs of layers need not be there.
    private let mayLackLayers: Bool
    private var descriptors = 0

    init(_ archive: Archive, host: ImagePlatform, fallbackName: FallbackName, mayLackLayers: Bool = false) {
        self.archive = archive
        self.mayLackLayers = mayLackLayers
        self.host = host
        self.fallbackName = fallbackName
    }

    /// All images of the layout, those for this machine.
    mutating func images() throws(ImageError) -> [ImagePlan] {
        let version = try archive.parse(try archive.document("oci-layout"), "oci-layout") { value throws(JSONError) in
            try value.requiredString("imageLayoutVersion")
        }
        guard version.hasPrefix("1.") else {
            throw ImageError(.unsupported, "OCI layout version \"\(escaped(version))\"; 1.x is supported")
        }
        let index = try archive.parse(try archive.document("index.json"), "index.json") { value throws(JSONError) in
            try ImageIndex(value)
        }
        // One name on several entries, or several entries for different platforms without a name, are one image.
        var groups: [(key: String, entries: [ImageDescriptor])] = []
        for (n, entry) in index.manifests.enumerated() where Self.isImage(entry) {
            var key = entry.annotations[Self.fullName] ?? entry.annotations[Self.refName] ?? ""
            if key.isEmpty { key = entry.platform == nil ? "#\(n)" : "#" }
            if let at = groups.firstIndex(where: { $0.key == key }) {
                groups[at].entries.append(entry)
            } else {
                groups.append((key, [entry]))
            }
        }
        guard !groups.isEmpty else { throw ImageError(.notFound, "index.json lists no image") }
        guard groups.count <= archive.limits.images else {
            throw ImageError(.tooLarge, "more than \(archive.limits.images) images in one archive")
        }
        var plans: [ImagePlan] = []
        for group in groups {
            let nameless = groups.filter { $0.entries.allSatisfy { Self.annotatedName($0) == nil } }.count
            let names = try self.names(of: group.entries[0], alone: nameless == 1)
            do throws(ImageError) {
                plans.append(try plan(group.entries, names))
            } catch {
                throw error.during(names.first.map { "image \($0)" } ?? "image \(group.entries[0].digest)")
            }
        }
        return plans
    }

    private static let fullName = "io.containerd.image.name"
    private static let refName = "org.opencontainers.image.ref.name"

    private static func annotatedName(_ entry: ImageDescriptor) -> String? {
        entry.annotations[fullName] ?? entry.annotations[refName]
    }

    private func names(of entry: ImageDescriptor, alone: Bool) throws(ImageError) -> [ImageReference] {
        if let name = entry.annotations[Self.fullName] { return [try ImageReference(parsing: name)] }
        if let name = entry.annotations[Self.refName] {
            // With one of these it is a whole name, else a tag.
            if name.contains(where: { $0 == "/" || $0 == ":" || $0 == "@" }) {
                return [try ImageReference(parsing: name)]
            }
            return try fallbackName.with(tag: name)
        }
        return alone ? try fallbackName.with(tag: nil) : []
    }

    /// Whether an entry can lead to an image at all. Unknown types and attestations are no error.
    private static func isImage(_ entry: ImageDescriptor) -> Bool {
        if let type = entry.artifactType, !type.isEmpty { return false }
        if entry.platform?.os == "unknown" || entry.platform?.architecture == "unknown" { return false }
        return ImageMediaType.isIndex(entry.mediaType) || ImageMediaType.isManifest(entry.mediaType)
    }

    // MARK: - One image

    private mutating func plan(_ entries: [ImageDescriptor], _ names: [ImageReference]) throws(ImageError) -> ImagePlan
    {
        var candidates: [Candidate] = []
        for entry in entries {
            try collect(entry, platform: entry.platform, depth: 0, above: [], into: &candidates)
        }
        var best: (candidate: Candidate, level: Int)?
        for candidate in candidates {
            guard let level = candidate.platform.suitability(for: host) else { continue }
            if best.map({ level > $0.level }) ?? true { best = (candidate, level) }
        }
        guard let chosen = best?.candidate, let (manifest, config) = chosen.content else {
            let offered = candidates.map(\.platform.description)
            throw ImageError(
                .wrongPlatform,
                "not built for \(host): the archive has "
                    + (offered.isEmpty ? "no runnable image" : escaped(offered.joined(separator: ", "))))
        }
        var blobs: [(ByteRange?, ImageDigest?)] = []
        for layer in manifest.layers {
            let isThere = try archive.contains(Self.path(layer.digest))
            blobs.append((mayLackLayers && !isThere ? nil : try blob(layer), layer.digest))
        }
        var plan = try ImagePlan(
            id: manifest.config.digest, config: config, names: names, manifestDigests: chosen.digests, blobs: blobs,
            limits: archive.limits)
        plan.documents = chosen.documents
        plan.manifest = chosen.digests.first
        return plan
    }

    private mutating func collect(
        _ entry: ImageDescriptor, platform: ImagePlatform?, depth: Int, above: [ImageDigest],
        into candidates: inout [Candidate]
    ) throws(ImageError) {
        descriptors += 1
        guard descriptors <= archive.limits.descriptors, depth <= archive.limits.indexDepth else {
            throw ImageError(.tooLarge, "the indexes of the archive are too many or too deep")
        }
        // A multi-platform index may be exported with the content of one platform only.
        if let platform, platform.suitability(for: host) == nil {
            candidates.append(Candidate(content: nil, platform: platform, digests: []))
            return
        }
        let name = Self.path(entry.digest)
        let bytes = try verified(entry)
        if ImageMediaType.isIndex(entry.mediaType) {
            let index = try archive.parse(bytes, name) { value throws(JSONError) in try ImageIndex(value) }
            for child in index.manifests where Self.isImage(child) {
                try collect(
                    child, platform: child.platform ?? platform, depth: depth + 1, above: above + [entry.digest],
                    into: &candidates)
            }
            return
        }
        let manifest = try archive.parse(bytes, name) { value throws(JSONError) in try ImageManifest(value) }
        let configBytes = try verified(manifest.config)
        let config = try archive.parse(configBytes, Self.path(manifest.config.digest)) { value throws(JSONError) in
            try ImageConfig(value)
        }
        candidates.append(
            Candidate(
                content: (manifest, config), documents: [entry.digest: bytes, manifest.config.digest: configBytes],
                platform: platform ?? config.platform, digests: [entry.digest] + above))
    }

    private static func path(_ digest: ImageDigest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    /// Where a blob stands, of the size that its descriptor says.
    private func blob(_ descriptor: ImageDescriptor) throws(ImageError) -> ByteRange {
        let range = try archive.required(Self.path(descriptor.digest))
        guard range.size == descriptor.size else {
            throw ImageError(
                .corrupt, "blob \(descriptor.digest) has \(range.size) bytes, its descriptor says \(descriptor.size)")
        }
        return range
    }

    /// A document's bytes, with the digest that its descriptor says.
    private func verified(_ descriptor: ImageDescriptor) throws(ImageError) -> [UInt8] {
        let bytes = try archive.read(try blob(descriptor), "blob \(descriptor.digest)")
        let actual = try ImageDigest.of(bytes, descriptor.digest.algorithm)
        guard actual == descriptor.digest else {
            throw ImageError(.corrupt, "blob \(descriptor.digest) is damaged: its content has digest \(actual)")
        }
        return bytes
    }
}

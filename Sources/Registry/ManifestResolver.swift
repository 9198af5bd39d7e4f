import Digest
import HTTP
import JSON
import OCI

/// Finds the manifest that a tag or digest means on this machine.
struct ManifestResolver {
    /// The manifest of this machine's image.
    struct Choice {
        /// With the platform that its index gives it.
        var descriptor: ImageDescriptor
        var bytes: [UInt8]
        var manifest: ImageManifest
        /// The indexes above it, the outermost first.
        var indexes: [ImageDigest]
    }

    private struct Candidate {
        var descriptor: ImageDescriptor
        var level: Int
        var indexes: [ImageDigest]
    }

    let client: RegistryClient
    let platform: ImagePlatform
    let limits: FetchLimits
    private var descriptors = 0
    private var candidates: [Candidate] = []
    private var offered: [String] = []

    init(client: RegistryClient, platform: ImagePlatform, limits: FetchLimits) {
        self.client = client
        self.platform = platform
        self.limits = limits
    }

    /// - Throws: `RegistryError` naming the registry, the image and what is wrong.
    mutating func resolve(tag: String, digest: ImageDigest?) throws(RegistryError) -> Choice {
        let name = digest?.description ?? tag
        let (root, bytes) = try document(name, digest)
        do throws(RegistryError) {
            if ImageMediaType.isManifest(root.mediaType) {
                return Choice(descriptor: root, bytes: bytes, manifest: try manifest(bytes), indexes: [])
            }
            try collect(root, bytes, nil, [])
            var best: Candidate?
            for candidate in candidates where candidate.level > best?.level ?? -1 { best = candidate }
            guard let best else {
                throw RegistryError(
                    .wrongPlatform,
                    "not built for \(platform): the registry has "
                        + (offered.isEmpty ? "no runnable image" : escaped(offered.joined(separator: ", "))))
            }
            let chosen = try child(best.descriptor)
            return Choice(
                descriptor: best.descriptor, bytes: chosen, manifest: try manifest(chosen), indexes: best.indexes)
        } catch {
            let title = client.title("manifests", name)
            throw error.message.hasPrefix("registry ") ? error : error.during(title)
        }
    }

    private mutating func collect(
        _ index: ImageDescriptor, _ bytes: [UInt8], _ above: ImagePlatform?, _ indexes: [ImageDigest]
    ) throws(RegistryError) {
        guard indexes.count <= limits.indexDepth else { throw RegistryError(.invalid, "its indexes are too deep") }
        let list = try parse(bytes) { value throws(JSONError) in try ImageIndex(value) }
        for entry in list.manifests {
            if entry.artifactType?.isEmpty == false { continue }
            let found = entry.platform ?? above
            if found?.os == "unknown" || found?.architecture == "unknown" { continue }
            descriptors += 1
            guard descriptors <= limits.descriptors else { throw RegistryError(.invalid, "its indexes are too many") }
            if let found, found.suitability(for: platform) == nil {
                offered.append(found.description)
            } else if ImageMediaType.isIndex(entry.mediaType) {
                try collect(entry, try child(entry), found, indexes + [index.digest])
            } else if ImageMediaType.isManifest(entry.mediaType) {
                var entry = entry
                if let found { entry.platform = found } else { entry.platform = try platform(ofConfigOf: entry) }
                if let level = entry.platform?.suitability(for: platform) {
                    candidates.append(Candidate(descriptor: entry, level: level, indexes: indexes + [index.digest]))
                } else {
                    offered.append(entry.platform?.description ?? "")
                }
            }
        }
    }

    /// For an index that does not say what its images are for.
    private func platform(ofConfigOf entry: ImageDescriptor) throws(RegistryError) -> ImagePlatform {
        let config = try manifest(try child(entry)).config
        let bytes = try verified(config, kind: "blobs")
        return try parse(bytes) { value throws(JSONError) in try ImageConfig(value) }.platform
    }

    private func manifest(_ bytes: [UInt8]) throws(RegistryError) -> ImageManifest {
        try parse(bytes) { value throws(JSONError) in try ImageManifest(value) }
    }

    // MARK: - Documents

    private func parse<T>(_ bytes: [UInt8], _ convert: (JSONValue) throws(JSONError) -> T) throws(RegistryError) -> T {
        do throws(JSONError) {
            let limits = JSONParser.Limits(bytes: limits.documentBytes, depth: limits.documentDepth)
            return try convert(try JSONParser.parse(bytes, limits: limits))
        } catch {
            throw RegistryError(.invalid, "a document is malformed: \(escaped("\(error)"))")
        }
    }

    /// A document that an index lists.
    private func child(_ descriptor: ImageDescriptor) throws(RegistryError) -> [UInt8] {
        try verified(descriptor, kind: "manifests")
    }

    private func verified(_ descriptor: ImageDescriptor, kind: String) throws(RegistryError) -> [UInt8] {
        let name = descriptor.digest.description
        let (_, bytes) = try get(kind, name)
        let actual = try Self.sum(bytes, descriptor.digest.algorithm)
        guard actual == descriptor.digest, Int64(bytes.count) == descriptor.size else {
            throw RegistryError(
                .invalid, client.title(kind, name) + ": its content is another one, \(bytes.count) bytes of \(actual)")
        }
        return bytes
    }

    /// What the reference names: its digest, size and kind.
    private func document(
        _ name: String, _ pinned: ImageDigest?
    ) throws(RegistryError) -> (ImageDescriptor, [UInt8]) {
        let (head, bytes) = try get("manifests", name)
        let title = client.title("manifests", name)
        func refuse(_ why: String) -> RegistryError { RegistryError(.invalid, "\(title): \(why)") }
        var digest = try Self.sum(bytes, pinned?.algorithm ?? .sha256)
        if let pinned {
            guard digest == pinned else { throw refuse("its content is another one, of digest \(digest)") }
        } else if let text = head.headers["docker-content-digest"] {
            guard let said = ImageDigest(text) else { throw refuse("Docker-Content-Digest is no digest") }
            digest = try Self.sum(bytes, said.algorithm)
            guard digest == said else {
                throw refuse("its content has the digest \(digest), Docker-Content-Digest says \(said)")
            }
        }
        let header = head.headers["content-type"]?.prefix { $0 != ";" } ?? ""
        let sent = header.filter { $0 != " " }.lowercased()
        guard !sent.hasPrefix("application/vnd.docker.distribution.manifest.v1") else {
            throw refuse("it is of Docker's old schema 1; push it again with a newer tool")
        }
        let value: JSONValue
        do throws(RegistryError) {
            value = try parse(bytes) { value throws(JSONError) in value }
        } catch {
            throw error.during(title)
        }
        let written = value["mediaType"]?.stringValue ?? ""
        if RegistryClient.manifestTypes.contains(sent), !written.isEmpty, written != sent {
            throw refuse("it is sent as \(escaped(sent)) but says that it is \(escaped(written))")
        }
        var type = written.isEmpty ? sent : written
        if !RegistryClient.manifestTypes.contains(type), written.isEmpty {
            type = value["manifests"] == nil ? ImageMediaType.manifest : ImageMediaType.index
        }
        guard RegistryClient.manifestTypes.contains(type) else {
            throw refuse("\"\(escaped(type))\" is no image's media type")
        }
        return (ImageDescriptor(mediaType: type, digest: digest, size: Int64(bytes.count)), bytes)
    }

    /// A document's bytes, within their limit.
    private func get(_ kind: String, _ name: String) throws(RegistryError) -> (ResponseHead, [UInt8]) {
        try client.document(kind, name, limit: limits.documentBytes)
    }

    private static func sum(
        _ bytes: [UInt8], _ algorithm: ImageDigest.Algorithm
    ) throws(RegistryError) -> ImageDigest {
        do {
            let hex = try StreamHasher.hex(algorithm == .sha256 ? .sha256 : .sha512, bytes)
            if let digest = ImageDigest(algorithm, hex: hex) { return digest }
        } catch {
            throw RegistryError(.storage, "\(error)")
        }
        throw RegistryError(.storage, "libcrypto gave a digest of a wrong length")
    }
}

import Base
import CLinux
import Digest
import JSON
import OCI

/// Gets an image from its registry, or a mirror of it, into the folder of an OCI layout: by the OCI distribution
/// specification, over libcurl. Blocks, and reads what strangers send: for a process of its own.
public struct ImageFetch {
    /// What came.
    public struct Result: Hashable, Sendable {
        /// Digest of the manifest of this machine's image.
        public var manifest: ImageDigest
        /// Digests of the indexes that lead to it; the first is what the reference named, unless that was the manifest.
        public var indexes: [ImageDigest]
    }

    public var registry: String
    public var repository: String
    /// Nil for `latest`; without meaning when there is a digest.
    public var tag: String?
    public var digest: ImageDigest?
    public var platform: ImagePlatform
    public var file = RegistriesFile()
    public var signatures = SignaturePolicy()
    public var credentials: CredentialSources
    public var limits = FetchLimits()
    /// Bytes that may be written.
    public var freeBytes = Int64.max

    public init(
        registry: String, repository: String, tag: String?, digest: ImageDigest?, platform: ImagePlatform,
        credentials: CredentialSources
    ) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
        self.platform = platform
        self.credentials = credentials
    }

    /// Gets the image.
    ///
    /// - Parameters:
    ///   - folder: an empty folder, which becomes the layout.
    ///   - needed: tells by the image's config and its layers which of these are to be fetched, the lowest first.
    ///   - arrived: called with each piece of a layer that has come, from the thread that fetches it.
    ///   - progress: called from any thread, a few times a second.
    /// - Throws: `RegistryError`; the folder then holds parts.
    public func run(
        into folder: String, needed: ([UInt8], [ImageDescriptor]) throws(RegistryError) -> [Bool],
        arrived: @escaping @Sendable (ImageDigest, LayerArrival) -> Void = { _, _ in },
        progress: @escaping @Sendable (FetchProgress) -> Void
    ) throws(RegistryError) -> Result {
        let sessions = try self.sessions()
        let shared = FetchState(progress, arrived)
        let transport = try Transport(limits.transfer) { !shared.continues() }
        try storage { () throws(SystemError) in
            for name in ["blobs/sha256", "blobs/sha512"] { try Files.makeDirectories(Path.join(folder, name)) }
        }
        // The first place that can say what the image is; its blobs are asked for there first.
        var errors: [RegistryError] = []
        for (n, session) in sessions.enumerated() {
            let choice: ManifestResolver.Choice
            do throws(RegistryError) {
                var resolver = ManifestResolver(
                    client: RegistryClient(session: session, transport: transport), platform: platform, limits: limits)
                choice = try resolver.resolve(tag: tag ?? "latest", digest: digest)
            } catch {
                if [.storage, .cancelled, .configuration].contains(error.kind) { throw error }
                errors.append(error)
                continue
            }
            let order = [session] + sessions[(n + 1)...] + sessions[..<n]
            try SignatureCheck(policy: signatures, limits: limits).check(
                registry: registry, repository: repository, digests: choice.indexes + [choice.descriptor.digest], order,
                transport)
            return try fetch(choice, order, transport, shared, folder, needed)
        }
        throw Self.combined(errors)
    }

    private func sessions() throws(RegistryError) -> [PlaceSession] {
        var sessions: [PlaceSession] = []
        for place in try file.places(registry: registry, repository: repository) {
            sessions.append(PlaceSession(place, try credentials.candidates(place), file))
        }
        return sessions
    }

    /// What the registry itself says counts, unless one of its mirrors may have the image later.
    static func combined(_ errors: [RegistryError]) -> RegistryError {
        guard let last = errors.last else { return RegistryError(.configuration, "there is nobody to ask") }
        if errors.count == 1 { return last }
        let kind = last.kind == .unavailable ? errors.first { $0.kind != .unavailable && $0.kind != .notFound } : nil
        return RegistryError(kind?.kind ?? last.kind, errors.map(\.message).joined(separator: "; "))
    }

    // MARK: - The content

    private func fetch(
        _ choice: ManifestResolver.Choice, _ sessions: [PlaceSession], _ transport: Transport, _ shared: FetchState,
        _ folder: String, _ needed: ([UInt8], [ImageDescriptor]) throws(RegistryError) -> [Bool]
    ) throws(RegistryError) -> Result {
        let manifest = choice.manifest
        guard manifest.layers.count <= limits.layers else {
            throw RegistryError(.invalid, "the image has more than \(limits.layers) layers")
        }
        guard manifest.config.size <= Int64(limits.documentBytes) else {
            throw RegistryError(
                .invalid, "its config has \(manifest.config.size) bytes; at most \(limits.documentBytes) are read")
        }
        let configFile = Self.path(folder, manifest.config.digest)
        try Self.download(manifest.config, configFile, sessions, transport) { _ in }
        let config = try storage { () throws(SystemError) in
            try Files.read(configFile, limit: limits.documentBytes)
        }
        let wanted = try needed(config, manifest.layers)
        guard wanted.count == manifest.layers.count else {
            throw RegistryError(
                .invalid, "the image has \(manifest.layers.count) layers but its config lists \(wanted.count)")
        }
        var layers: [ImageDescriptor] = []
        for (layer, isWanted) in zip(manifest.layers, wanted)
        where isWanted && !layers.contains(where: { $0.digest == layer.digest }) { layers.append(layer) }
        try checkSize(layers)
        shared.start(layers)
        try downloadAll(layers, sessions, shared, folder)
        try write(choice, folder)
        return Result(manifest: choice.descriptor.digest, indexes: choice.indexes)
    }

    private func checkSize(_ layers: [ImageDescriptor]) throws(RegistryError) {
        var total: Int64 = 0
        for layer in layers {
            let (sum, overflow) = total.addingReportingOverflow(layer.size)
            guard !overflow, sum <= limits.layerBytes else {
                throw RegistryError(.invalid, "its layers have more than \(limits.layerBytes) bytes")
            }
            total = sum
        }
        guard total <= freeBytes else {
            throw RegistryError(
                .storage, "its layers have \(total) bytes, and \(freeBytes) are free in the image store; make room")
        }
    }

    static func path(_ folder: String, _ digest: ImageDigest) -> String {
        Path.join(folder, "blobs/\(digest.algorithm.rawValue)/\(digest.hex)")
    }

    /// A blob, from the first place that gives it.
    private static func download(
        _ descriptor: ImageDescriptor, _ path: String, _ sessions: [PlaceSession], _ transport: Transport,
        _ report: @escaping (Int64) -> Void
    ) throws(RegistryError) {
        let download = try BlobDownload(descriptor, path, report: report)
        var errors: [RegistryError] = []
        for session in sessions {
            do throws(RegistryError) {
                return try download.run(RegistryClient(session: session, transport: transport))
            } catch {
                if error.kind == .storage || error.kind == .cancelled { throw error }
                // What was cut off goes on elsewhere; what is wrong does not.
                if error.kind == .invalid { try download.restart() }
                errors.append(error)
            }
        }
        throw combined(errors)
    }

    /// The layers, the biggest first.
    private func downloadAll(
        _ layers: [ImageDescriptor], _ sessions: [PlaceSession], _ shared: FetchState, _ folder: String
    ) throws(RegistryError) {
        if layers.isEmpty { return }
        let order = layers.indices.sorted { layers[$0].size > layers[$1].size }
        let limits = self.limits
        let work: @Sendable () -> Void = {
            do throws(RegistryError) {
                let transport = try Transport(limits.transfer) { !shared.continues() }
                while let n = shared.next(of: order.count) {
                    let layer = order[n]
                    let digest = layers[layer].digest
                    try Self.download(layers[layer], Self.path(folder, digest), sessions, transport) {
                        shared.report(layer, $0)
                        shared.arrived(digest, .bytes($0))
                    }
                    shared.arrived(digest, .complete)
                }
            } catch {
                shared.fail(error)
            }
        }
        try storage { () throws(SystemError) in
            try Threads.run(min(limits.parallel, layers.count), "a download", work)
        }
        shared.flush()
        if let failure = shared.failure { throw failure }
    }

    /// The documents that make it a layout.
    private func write(_ choice: ManifestResolver.Choice, _ folder: String) throws(RegistryError) {
        var entry: JSONValue = [
            "mediaType": .string(choice.descriptor.mediaType), "digest": .string(choice.descriptor.digest.description),
            "size": .integer(choice.descriptor.size),
        ]
        if let platform = choice.descriptor.platform, var object = entry.objectValue {
            var value: JSONValue = ["os": .string(platform.os), "architecture": .string(platform.architecture)]
            if !platform.variant.isEmpty, var named = value.objectValue {
                named.append("variant", .string(platform.variant))
                value = .object(named)
            }
            object.append("platform", value)
            entry = .object(object)
        }
        let index: JSONValue = ["schemaVersion": 2, "manifests": .array([entry])]
        try storage { () throws(SystemError) in
            try Files.replace(Self.path(folder, choice.descriptor.digest), with: choice.bytes, durable: false)
            try Files.replace(Path.join(folder, "index.json"), with: JSONWriter().bytes(index), durable: false)
            try Files.replace(
                Path.join(folder, "oci-layout"), with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), durable: false)
        }
    }
}

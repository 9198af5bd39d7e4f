import Base
import CLinux
import Compression
import JSON
import OCI

extension ImageStore {
    /// Makes an image of one layer of a tarball with a root file system, plain or compressed. It is in the store when
    /// this returns, durably; when it throws, the store is as it was.
    ///
    /// - Parameters:
    ///   - reference: the image's name.
    ///   - config: what the image says of the process to run; platform, date and layer are filled in here.
    ///   - source: what the image's history calls the tarball.
    /// - Throws: `ImageError` naming the tarball and what is refused.
    public func importRoot(
        _ path: String, as reference: ImageReference, config: ImageConfig, source: String? = nil,
        limits: ImageLimits = ImageLimits(), progress: @escaping @Sendable (ImportProgress) -> Void = { _ in }
    ) throws(ImageError) -> StoredImage {
        do throws(ImageError) {
            guard reference.digest == nil else {
                throw ImageError(.invalidReference, "\(reference): an image that is made here is named by a tag")
            }
            guard case .file(let range) = try Self.open(path) else {
                throw ImageError(.notAnArchive, "it is a folder; pack it:  tar -C FOLDER -cf ROOT.tar .")
            }
            let session = try ImportSession(self)
            defer { session.end() }
            // The first pass only sums: the layer is named by its content. The second has to give the same sum.
            let diffID = try Self.contentDigest(range, limits, try session.freeBytes())
            var config = config
            config.platform = .host
            config.diffIDs = [diffID]
            config.created = Timestamp.now.rfc3339
            guard var document = config.json.objectValue else { throw ImageError(.storage, "the config is no object") }
            document.append(
                "history",
                [
                    [
                        "created": .string(config.created ?? ""),
                        "created_by": .string("swiftlet image import \(source ?? Path.name(path))"),
                    ]
                ])
            let bytes = JSONWriter().bytes(.object(document))
            let id = try ImageDigest.of(bytes)
            var plan = try ImagePlan(
                id: id, config: config, names: [reference], manifestDigests: [], blobs: [(range, nil)], limits: limits)
            plan.documents = [id: bytes]
            guard let image = try load([plan], try Loading(session, limits, progress)).first else {
                throw ImageError(.storage, "the image is not in the store's index")
            }
            return image
        } catch {
            throw error.during("cannot import \"\(escaped(source ?? path))\"")
        }
    }

    private static func contentDigest(
        _ range: ByteRange, _ limits: ImageLimits, _ freeBytes: Int64
    ) throws(ImageError) -> ImageDigest {
        let budget = ImportBudget(limits, freeBytes: freeBytes)
        let stream = try BlobStream(range, blobAlgorithm: nil, contentAlgorithm: .sha256, budget: budget)
        while try !stream.next(1 << 20).isEmpty {}
        guard let hex = try stream.digests().content, let digest = ImageDigest(.sha256, hex: hex) else {
            throw ImageError(.storage, "libcrypto gave a digest of a wrong length")
        }
        return digest
    }
}

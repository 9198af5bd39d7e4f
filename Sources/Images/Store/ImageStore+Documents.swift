import Base
import OCI

/// Configs and manifests as they came, byte for byte, each in a file of its digest's name.
extension ImageStore {
    /// What saves an image that an older release has loaded.
    static let loadAgain = "load or pull the image again"

    func documentPath(_ name: String) -> String { Path.join(documentsFolder, name) }

    /// A config or manifest of the store; nil when it was not kept.
    ///
    /// - Throws: `ImageError` with `corrupt` when the file has changed.
    func document(_ digest: ImageDigest) throws(ImageError) -> [UInt8]? {
        let path = documentPath(digest.fileName)
        let bytes: [UInt8]
        do {
            bytes = try Files.read(path, limit: ImageLimits().documentBytes)
        } catch {
            if error.errno == .noEntry { return nil }
            throw ImageError(error)
        }
        let actual = try ImageDigest.of(bytes, digest.algorithm)
        guard actual == digest else {
            throw ImageError(.corrupt, "\(path) is damaged: its content has digest \(actual); \(Self.loadAgain)")
        }
        return bytes
    }

    /// The config of an image, as it came.
    ///
    /// - Throws: `ImageError`, `notFound` with what to do for an image that an older release has loaded.
    func configBytes(_ image: StoreIndex.Image) throws(ImageError) -> [UInt8] {
        guard let digest = ImageDigest(image.id), let bytes = try document(digest) else {
            throw ImageError(
                .notFound,
                "the config of image \(image.id) is not in the store (an older release loaded it, or the file is gone); "
                    + Self.loadAgain)
        }
        return bytes
    }

    /// Puts documents that the store lacks, or has damaged, into the session.
    ///
    /// - Returns: the files.
    func write(
        _ documents: [[ImageDigest: [UInt8]]], _ session: ImportSession
    ) throws(ImageError) -> [UnpackedDocument] {
        var written: [String: UnpackedDocument] = [:]
        for (digest, bytes) in documents.joined() where written[digest.fileName] == nil {
            let known = try? Files.read(documentPath(digest.fileName), limit: ImageLimits().documentBytes)
            if known == bytes { continue }
            let path = Path.join(session.path, "config-" + digest.fileName)
            try storage { () throws(SystemError) in try Files.replace(path, with: bytes, durable: false) }
            written[digest.fileName] = UnpackedDocument(path: path, name: digest.fileName)
        }
        return written.values.sorted { $0.name < $1.name }
    }
}

/// A config or manifest on its way into the store.
struct UnpackedDocument {
    var path: String
    /// Its name in the store.
    var name: String
}

extension ImageDigest {
    /// The name of what is kept by its digest.
    var fileName: String { "\(algorithm.rawValue)-\(hex)" }
}

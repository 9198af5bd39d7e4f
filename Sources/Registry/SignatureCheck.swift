import Base
import Digest
import JSON
import OCI

/// Looks for a signature of an image as cosign makes them with a key pair: the registry has a manifest with the tag
/// `sha256-HEX.sig` beside the image, each of whose layers is a text that names the image's digest, and bears the
/// signature of that text as an annotation.
struct SignatureCheck {
    let policy: SignaturePolicy
    let limits: FetchLimits

    private static let layerType = "application/vnd.dev.cosign.simplesigning.v1+json"
    private static let annotation = "dev.cosignproject.cosign/signature"
    private static let mostSignatures = 64
    private static let payloadBytes = 64 << 10

    /// Makes sure that one of the digests that lead to the image is signed.
    ///
    /// - Parameter digests: those of the indexes, the outermost first, and the manifest's.
    /// - Throws: `RegistryError` with `unsigned`, or `configuration` when a key cannot be read.
    func check(
        registry: String, repository: String, digests: [ImageDigest], _ sessions: [PlaceSession], _ transport: Transport
    ) throws(RegistryError) {
        let paths: [String]
        switch policy.demand(registry: registry, repository: repository) {
        case .accept: return
        case .refuse:
            throw RegistryError(.unsigned, "\(policy.path) refuses images of \(registry)/\(repository)")
        case .keys(let files): paths = files
        }
        let keys = try Keys(paths)
        var found: [String] = []
        for digest in digests {
            for session in sessions {
                let client = RegistryClient(session: session, transport: transport)
                do throws(RegistryError) {
                    if try hasSignature(digest, client, keys) { return }
                    found.append(
                        "what signs \(digest) there is by none of the keys in \(paths.joined(separator: ", "))")
                } catch {
                    if [.storage, .cancelled, .configuration].contains(error.kind) { throw error }
                    found.append(error.message)
                }
            }
        }
        throw RegistryError(
            .unsigned,
            "\(policy.path) wants a signature of it, and there is none that holds: "
                + found.prefix(4).joined(separator: "; "))
    }

    private struct Keys: ~Copyable {
        private let key: [(path: String, bytes: [UInt8])]

        init(_ paths: [String]) throws(RegistryError) {
            var keys: [(String, [UInt8])] = []
            for path in paths {
                do {
                    let bytes = try Files.read(path, limit: 1 << 16)
                    _ = try PublicKey(pem: bytes)
                    keys.append((path, bytes))
                } catch {
                    throw RegistryError(.configuration, "the key \(path): \(error)")
                }
            }
            key = keys
        }

        func verify(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
            key.contains { entry in
                guard let key = try? PublicKey(pem: entry.bytes) else { return false }
                return key.verifies(signature, of: bytes)
            }
        }
    }

    private func hasSignature(
        _ digest: ImageDigest, _ client: RegistryClient, _ keys: borrowing Keys
    ) throws(RegistryError) -> Bool {
        let tag = "\(digest.algorithm.rawValue)-\(digest.hex).sig"
        let (_, bytes) = try client.document("manifests", tag, limit: limits.documentBytes)
        let manifest = try parse(bytes, limits.documentBytes)
        for layer in (manifest["layers"]?.arrayValue ?? []).prefix(Self.mostSignatures) {
            guard layer["mediaType"]?.stringValue == Self.layerType,
                let text = layer["annotations"]?[Self.annotation]?.stringValue,
                let signature = LooseBase64.decode(text),
                let descriptor = try? ImageDescriptor(layer), descriptor.size <= Int64(Self.payloadBytes)
            else { continue }
            let (_, payload) = try client.document("blobs", descriptor.digest.description, limit: Self.payloadBytes)
            if keys.verify(signature, of: payload), Self.names(digest, try parse(payload, Self.payloadBytes)) {
                return true
            }
        }
        return false
    }

    private func parse(_ bytes: [UInt8], _ limit: Int) throws(RegistryError) -> JSONValue {
        do throws(JSONError) {
            return try JSONParser.parse(bytes, limits: .init(bytes: limit, depth: limits.documentDepth))
        } catch {
            throw RegistryError(.invalid, "a signature is malformed: \(escaped("\(error)"))")
        }
    }

    /// Whether the signed text is about the image.
    private static func names(_ digest: ImageDigest, _ payload: JSONValue) -> Bool {
        let critical = payload["critical"]
        return critical?["type"]?.stringValue == "cosign container image signature"
            && critical?["image"]?["docker-manifest-digest"]?.stringValue == digest.description
    }
}

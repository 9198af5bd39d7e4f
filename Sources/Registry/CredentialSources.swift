import Base
import JSON

/// All credentials that may be used for an image, in the order in which they are tried.
public struct CredentialSources: Hashable, Sendable {
    /// The node's own documents: the first that is there is read, as the kubelet does.
    public static let nodePaths = [
        "/var/lib/swiftlet/config.json", "/var/lib/kubelet/config.json", "/root/.docker/config.json",
    ]

    /// Documents that were handed in, then the node's.
    var documents: [CredentialDocument] = []

    /// - Parameters:
    ///   - given: texts of dockerconfigjson documents; they come first.
    ///   - nodePaths: where the node's own document may be.
    /// - Throws: `RegistryError` with `configuration`, without a word of the documents' content.
    public init(given: [[UInt8]], nodePaths: [String] = Self.nodePaths) throws(RegistryError) {
        for (n, text) in given.enumerated() {
            var document = try Self.document(text, "credential document \(n + 1) of \(given.count)")
            // Which programs this node runs is not for a pod's Secret to say.
            (document.helpers, document.store) = ([:], "")
            documents.append(document)
        }
        for path in nodePaths {
            let text: [UInt8]
            do throws(SystemError) { text = try Files.read(path, limit: 1 << 20) } catch {
                if error.errno == .noEntry || error.errno == .notDirectory { continue }
                throw RegistryError(.configuration, "\(error)")
            }
            documents.append(try Self.document(text, path))
            break
        }
    }

    private static func document(_ text: [UInt8], _ name: String) throws(RegistryError) -> CredentialDocument {
        do throws(JSONError) { return try CredentialDocument(text) } catch {
            throw RegistryError(.configuration, "\(name) is no docker configuration: \(escaped("\(error)"))")
        }
    }

    /// The credentials for a place, each once; nil stands for none at all.
    func candidates(_ place: RegistryPlace) throws(RegistryError) -> [Credential?] {
        var found: [Credential] = []
        for document in documents {
            found += document.matching(registry: place.registry, repository: place.repository)
            if let (program, server) = document.helper(registry: place.registry),
                let credential = try CredentialHelper.get(program, server: server)
            {
                found.append(credential)
            }
        }
        if let credential = place.settings?.credential { found.append(credential) }
        var seen: Set<Credential> = []
        found = found.filter { seen.insert($0).inserted }
        // As the kubelet does: with credentials, nobody is asked without.
        return found.isEmpty ? [nil] : found
    }
}

import Base
import CNITypes
import JSON

/// What the attributes of a container's interface were, in a file of the reference plugin's name and format.
struct TuningBackup {
    private let folder: String
    private let path: String
    private let network: String

    init(_ request: AttachmentRequest, _ folder: String) {
        self.folder = folder
        path = Path.join(folder, request.environment.containerID + "_" + request.environment.interfaceName + ".json")
        network = request.configuration.name
    }

    func save(_ attributes: InterfaceAttributes) throws(CNIError) {
        do {
            try Files.makeDirectories(folder, mode: 0o700)
            try Files.replace(
                path, with: JSONWriter().bytes(attributes.backup(network: network)), mode: 0o600, durable: false)
        } catch {
            throw CNIError(.inputOutput, "cannot keep what the interface was", details: "\(error)")
        }
    }

    /// Nil when there is none.
    func load() throws(CNIError) -> InterfaceAttributes? {
        guard let value = try Self.read(path) else { return nil }
        do {
            return try InterfaceAttributes(backup: value)
        } catch {
            throw CNIError(.undecodable, "\(path) does not say what the interface was", details: "\(error)")
        }
    }

    func remove() throws(CNIError) { try Self.remove(path) }

    /// Removes those of attachments of the network that are not in `valid`.
    static func collectGarbage(
        in folder: String, network: String, valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        let names: [String]
        do {
            names = try Files.list(folder)
        } catch {
            if error.errno == .noEntry { return }
            throw CNIError(.inputOutput, "cannot list \(folder)", details: "\(error)")
        }
        let kept = Set(valid.map { $0.containerID + "_" + $0.interfaceName + ".json" })
        for name in names where name.hasSuffix(".json") && !kept.contains(name) {
            let path = Path.join(folder, name)
            // Another program's says of no network, and is left.
            guard let value = try? read(path), value["network"]?.stringValue == network else { continue }
            try remove(path)
        }
    }

    private static func read(_ path: String) throws(CNIError) -> JSONValue? {
        let bytes: [UInt8]
        do {
            bytes = try Files.read(path, limit: 1 << 16)
        } catch {
            if error.errno == .noEntry { return nil }
            throw CNIError(.inputOutput, "cannot read what the interface was", details: "\(error)")
        }
        do {
            return try JSONParser.parse(bytes)
        } catch {
            throw CNIError(.undecodable, "\(path) does not say what the interface was", details: "\(error)")
        }
    }

    private static func remove(_ path: String) throws(CNIError) {
        do {
            _ = try Files.remove(path)
        } catch {
            throw CNIError(.inputOutput, "cannot remove what is no longer needed", details: "\(error)")
        }
    }
}

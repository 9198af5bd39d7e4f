import Base
import CNITypes
import JSON

/// Attachments as libcni keeps them (`cniCacheV1`), one file each: what cnitool, podman, CRI-O and others read of a node's
/// networks, and what we read of theirs. Ours are written for them alone. Blocking.
public struct ResultCache: Sendable, Hashable {
    /// `/var/lib/cni/results`; it need not be there.
    public let folder: String
    /// Where the network namespaces of ours are: what tells our files.
    private let namespaces: String

    public init(folder: String, namespaces: String) {
        self.folder = folder
        self.namespaces = namespaces
    }

    private static let kind = "cniCacheV1"

    private func path(_ attachment: Attachment) -> String {
        Path.join(
            folder, "\(attachment.network.name)-\(attachment.containerID)-\(attachment.interfaceName)")
    }

    /// Writes what ADD has made.
    public func save(_ attachment: Attachment) throws(SystemError) {
        try Files.makeDirectories(folder, mode: 0o700)
        try Files.replace(path(attachment), with: Self.bytes(attachment), mode: 0o600, durable: false)
    }

    /// Nothing happens where there is none.
    public func remove(_ attachment: Attachment) throws(SystemError) { try Files.remove(path(attachment)) }

    static func bytes(_ attachment: Attachment) -> [UInt8] {
        let configuration = Base64.encode(JSONWriter().bytes(attachment.network.json))
        let arguments = attachment.arguments.map { argument -> JSONValue in
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return .strings([String(parts[0]), parts.count == 2 ? String(parts[1]) : ""])
        }
        var object = JSONObject()
        object.append("kind", .string(kind))
        object.append("containerId", .string(attachment.containerID))
        object.append("config", .string(String(decoding: configuration, as: UTF8.self)))
        object.append("ifName", .string(attachment.interfaceName))
        object.append("networkName", .string(attachment.network.name))
        object.append("netns", .string(attachment.namespacePath))
        if !arguments.isEmpty { object.append("cniArgs", .array(arguments)) }
        if !attachment.capabilityArguments.members.isEmpty {
            object.append("capabilityArgs", .object(attachment.capabilityArguments))
        }
        object.append("result", ifPresent: attachment.result)
        return JSONWriter().bytes(.object(object))
    }

    // MARK: - Reading

    private struct Entry {
        var file: String
        var network: String
        var attachment: NetworkConfiguration.Attachment
        var isOurs: Bool
    }

    /// What can be read; other files may stand here.
    private func entries() throws(SystemError) -> [Entry] {
        let names: [String]
        do { names = try Files.list(folder) } catch {
            if error.errno == .noEntry { return [] }
            throw error
        }
        var entries: [Entry] = []
        for name in names {
            let file = Path.join(folder, name)
            guard let bytes = try? Files.read(file, limit: 2 * NetworkConfiguration.limits.bytes),
                let json = try? JSONParser.parse(bytes, limits: .init(bytes: bytes.count, depth: 64)),
                json["kind"]?.stringValue == Self.kind, let network = json["networkName"]?.stringValue,
                let container = json["containerId"]?.stringValue, let interface = json["ifName"]?.stringValue
            else { continue }
            entries.append(
                Entry(
                    file: file, network: network,
                    attachment: .init(containerID: container, interfaceName: interface),
                    isOurs: json["netns"]?.stringValue?.hasPrefix(namespaces + "/") == true))
        }
        return entries
    }

    /// Removes files of ours of attachments that are not in `valid`, as a boot leaves them.
    public func removeStale(valid: Set<NetworkConfiguration.Attachment>) throws(SystemError) {
        for entry in try entries() where entry.isOurs && !valid.contains(entry.attachment) {
            try Files.remove(entry.file)
        }
    }

    /// The attachments that other runtimes have on the network of this name: GC must leave them.
    public func othersAttachments(on network: String) throws(SystemError) -> Set<NetworkConfiguration.Attachment> {
        Set(try entries().filter { !$0.isOurs && $0.network == network }.map(\.attachment))
    }
}

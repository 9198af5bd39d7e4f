import Base
import CNITypes
import JSON

/// The records of attachments: one file a container in a folder that dies with the kernel, as the attachments do.
/// Blocking.
public struct AttachmentStore: Sendable, Hashable {
    /// The layout of a file with several attachments. One alone is written as it always was, so that an older release
    /// reads it.
    private static let schema: Int64 = 2

    public let folder: String

    /// - Parameter folder: in /run; it need not be there.
    public init(folder: String) { self.folder = folder }

    private func path(_ containerID: String) -> String { Path.join(folder, containerID + ".json") }

    /// Writes a container's record; a reader sees the old or the new one.
    ///
    /// - Parameter attachments: in the order in which they are made; at least one.
    public func save(_ attachments: [Attachment], of containerID: String) throws(SystemError) {
        try Files.makeDirectories(folder, mode: 0o700)
        let json: JSONValue =
            attachments.count == 1
            ? attachments[0].json
            : ["schema": .integer(Self.schema), "attachments": .array(attachments.map(\.json))]
        try Files.replace(path(containerID), with: JSONWriter().bytes(json), mode: 0o600, durable: false)
    }

    /// The attachments of a container in their order; none when there is no record.
    ///
    /// - Throws: `SystemError`, `JSONError` or `CNIError` when there is one that cannot be read.
    public func load(_ containerID: String) throws -> [Attachment] {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.read(path(containerID), limit: 8 * NetworkConfiguration.limits.bytes)
        } catch {
            if error.errno == .noEntry { return [] }
            throw error
        }
        let limits = JSONParser.Limits(bytes: bytes.count, depth: NetworkConfiguration.limits.depth + 4)
        let json = try JSONParser.parse(bytes, limits: limits)
        let schema = try json.requiredInteger("schema")
        guard schema == Self.schema else { return [try Attachment(json)] }
        let attachments = try json.required("attachments", "a list") { $0.arrayValue }
        return try attachments.map { (value) throws(CNIError) in try Attachment(value) }
    }

    public func remove(_ containerID: String) throws(SystemError) { try Files.remove(path(containerID)) }

    /// The containers that have a record, readable or not.
    public func containers() throws(SystemError) -> [String] {
        do {
            return try Files.list(folder).filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
        } catch {
            if error.errno == .noEntry { return [] }
            throw error
        }
    }
}

import Base
import CNITypes
import JSON

/// The records of attachments: one file each in a folder that dies with the kernel, as the attachments do. Blocking.
public struct AttachmentStore: Sendable, Hashable {
    public let folder: String

    /// - Parameter folder: in /run; it need not be there.
    public init(folder: String) { self.folder = folder }

    private func path(_ containerID: String) -> String { Path.join(folder, containerID + ".json") }

    /// Writes the record; a reader sees the old or the new one.
    public func save(_ attachment: Attachment) throws(SystemError) {
        try Files.makeDirectories(folder, mode: 0o700)
        let bytes = JSONWriter().bytes(attachment.json)
        try Files.replace(path(attachment.containerID), with: bytes, mode: 0o600, durable: false)
    }

    /// The record of a container; nil when there is none.
    ///
    /// - Throws: `SystemError`, `JSONError` or `CNIError` when there is one that cannot be read.
    public func load(_ containerID: String) throws -> Attachment? {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.read(path(containerID), limit: 2 * NetworkConfiguration.limits.bytes)
        } catch {
            if error.errno == .noEntry { return nil }
            throw error
        }
        return try Attachment(try JSONParser.parse(bytes, limits: NetworkConfiguration.limits))
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

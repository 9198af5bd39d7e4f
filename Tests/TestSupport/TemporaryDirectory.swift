import Base
import CLinux

/// A folder that is removed with the value.
public final class TemporaryDirectory: Sendable {
    public let path: String

    public init() throws {
        var template = Array("/tmp/swiftlet-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", "/tmp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? Files.removeTree(path) }

    /// Writes a file below the folder, with its missing parents, and returns its path.
    @discardableResult
    public func write(_ name: String, _ text: String) throws -> String {
        try write(name, Array(text.utf8))
    }

    @discardableResult
    public func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = Path.join(path, name)
        try Files.makeDirectories(Path.parent(file))
        try Files.replace(file, with: bytes, mode: 0o644, durable: false)
        return file
    }
}

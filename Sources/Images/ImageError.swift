import Base
import JSON

/// Why an image could not be found, read, imported or removed. The message is a sentence for the operator; what an
/// archive supplied stands in it escaped.
public struct ImageError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, Sendable, CaseIterable {
        /// The text is no image reference.
        case invalidReference
        /// No such image in the store, or no such part in the archive.
        case notFound
        /// The file is no image archive of a kind we read.
        case notAnArchive
        /// The file ends early: it is damaged or still being written.
        case truncated
        /// Content does not match its digest or checksum, or a document is malformed.
        case corrupt
        /// The archive tries what no image needs: to leave its folder, to bring devices, to mean two things.
        case hostile
        /// A limit is exceeded.
        case tooLarge
        /// A format or feature that we do not carry out.
        case unsupported
        /// Built for another processor or system.
        case wrongPlatform
        /// Another import failed or was told to stop.
        case cancelled
        /// The store or the machine failed: disk full, input/output error, no permission.
        case storage
    }

    public var reason: Reason
    public var message: String
    /// The kernel's error number for `storage`, else 0.
    public var errno: Int32

    public init(_ reason: Reason, _ message: String, errno: Int32 = 0) {
        self.reason = reason
        self.message = message
        self.errno = errno
    }

    public init(_ error: SystemError) {
        self.init(.storage, error.description, errno: error.errno.rawValue)
    }

    public var description: String { message }

    /// The same error with what was being done in front.
    public func during(_ what: @autoclosure () -> String) -> ImageError {
        ImageError(reason, "\(what()): \(message)", errno: errno)
    }

    /// Whether trying the same file again later can help.
    public var isTransient: Bool { reason == .storage || reason == .cancelled }

    // MARK: - As JSON, from the worker process to the agent

    public var json: JSONValue {
        ["reason": .string(reason.rawValue), "message": .string(message), "errno": .integer(errno)]
    }

    public init(_ value: JSONValue) throws(JSONError) {
        let text = try value.requiredString("reason")
        guard let reason = Reason(rawValue: text) else { throw JSONError("reason: unknown", at: value.position) }
        self.reason = reason
        message = try value.requiredString("message")
        errno = Int32(clamping: try value.optionalInteger("errno") ?? 0)
    }
}

/// Runs `body` and turns a `SystemError` of it into an `ImageError`.
@discardableResult
func storage<R: ~Copyable>(_ body: () throws(SystemError) -> R) throws(ImageError) -> R {
    do {
        return try body()
    } catch {
        throw ImageError(error)
    }
}

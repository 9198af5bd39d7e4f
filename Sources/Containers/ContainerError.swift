import Base
import JSON

/// Why a container or a process in it did not start.
public struct ContainerError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable, Hashable {
        /// The request cannot be carried out as it stands.
        case invalid
        /// A step of the set-up failed.
        case setup
        /// The user could not be found, or may not be used.
        case user
        /// The program does not exist.
        case notFound
        /// The program may not be executed.
        case permissionDenied
        /// The file is no program of this machine.
        case notExecutable
        /// The process ended (was killed) before it could execute the program.
        case killed
        /// The container to enter has ended.
        case notRunning
    }

    public var kind: Kind
    /// What was attempted, `mount tmpfs`.
    public var step: String
    /// What it was attempted on.
    public var object: String
    public var errno: Errno?
    /// What to do about it; may be empty.
    public var hint: String

    public init(_ kind: Kind, _ step: String, _ object: String, _ errno: Errno? = nil, hint: String = "") {
        self.kind = kind
        self.step = step
        self.object = object
        self.errno = errno
        self.hint = hint
    }

    public init(_ error: SystemError, kind: Kind = .setup, hint: String = "") {
        self.init(kind, error.call, error.object, error.errno, hint: hint)
    }

    /// One sentence. Failures to execute use the words that people know from other runtimes.
    public var description: String {
        switch kind {
        case .notFound where step == "exec" && hint == Self.inPath:
            return "exec: \"\(object)\": executable file not found in $PATH"
        case .notFound where step == "exec": return "exec: \"\(object)\": no such file or directory" + tail
        case .permissionDenied where step == "exec": return "exec: \"\(object)\": permission denied" + tail
        case .notExecutable where step == "exec": return "exec: \"\(object)\": exec format error" + tail
        default:
            let why = errno.map { ": \($0)" } ?? ""
            return (object.isEmpty ? step : "\(step) \(object)") + why + tail
        }
    }

    /// Marks a name without slash that no folder of $PATH has.
    static let inPath = "not in $PATH"

    private var tail: String { hint.isEmpty ? "" : " (\(hint))" }

    var json: JSONValue {
        var object = JSONObject()
        object.append("kind", .string(kind.rawValue))
        object.append("step", .string(step))
        object.append("object", .string(self.object))
        object.append("errno", ifPresent: errno.map { .integer($0.rawValue) })
        object.append("hint", .string(hint))
        return .object(object)
    }

    init?(json: JSONValue) {
        guard let kind = json["kind"]?.stringValue.flatMap(Kind.init(rawValue:)),
            let step = json["step"]?.stringValue, let object = json["object"]?.stringValue
        else { return nil }
        self.init(
            kind, step, object,
            json["errno"]?.integerValue.flatMap { Int32(exactly: $0) }.map { Errno(rawValue: $0) },
            hint: json["hint"]?.stringValue ?? "")
    }
}

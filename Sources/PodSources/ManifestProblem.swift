import JSON

/// Something wrong with a manifest file, at a place.
public struct ManifestProblem: Hashable, Sendable, CustomStringConvertible {
    public var path: String
    public var position: SourcePosition
    public var message: String

    public init(path: String, position: SourcePosition = .none, message: String) {
        self.path = path
        self.position = position
        self.message = message
    }

    /// `file:line:column: message`, as compilers print it.
    public var description: String {
        position == .none ? "\(path): \(message)" : "\(path):\(position): \(message)"
    }
}

/// A file that cannot be used, with everything that is wrong with it.
public struct ManifestRefusal: Error, Hashable, Sendable {
    public var problems: [ManifestProblem]
    public init(_ problems: [ManifestProblem]) { self.problems = problems }
    public init(path: String, _ message: String) { problems = [ManifestProblem(path: path, message: message)] }
}

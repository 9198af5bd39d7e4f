/// Something wrong in the manifest folder.
public struct ManifestProblem: Sendable, Hashable {
    /// Path of the file.
    public var path: String
    /// The place, both counted from 1; 0 when the whole file is meant.
    public var line: Int
    public var column: Int
    /// What is wrong and what to do, `unknown field "spec.containers[0].imagee" (did you mean "image"?)`.
    public var message: String
    /// `namespace/name` of the pod whose last good version keeps running; nil when there is none.
    public var keepsRunning: String?

    public init(path: String, line: Int, column: Int, message: String, keepsRunning: String? = nil) {
        self.path = path
        self.line = line
        self.column = column
        self.message = message
        self.keepsRunning = keepsRunning
    }
}

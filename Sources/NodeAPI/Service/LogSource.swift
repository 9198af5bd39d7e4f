/// Where the log of a container is.
public struct LogSource: Sendable, Hashable {
    /// Folder of the container's log files, `…/<container>`, which holds `<attempt>.log` and rotated ones.
    public var folder: String
    /// The attempt (restart count) to read.
    public var attempt: Int
    /// True when nothing more will be written: this attempt has ended, and no other follows it.
    public var isComplete: Bool

    public init(folder: String, attempt: Int, isComplete: Bool) {
        self.folder = folder
        self.attempt = attempt
        self.isComplete = isComplete
    }
}

/// What a container's root file system is made of. All are paths in the host's mount namespace.
public enum RootFilesystem: Sendable, Hashable {
    /// Read-only layers, topmost first, under a writable `upper`; `work` is an empty folder on the file system of
    /// `upper`. Both exist, made for this container: what is written is never synced, and no other overlay can have
    /// them afterwards.
    case overlay(lower: [String], upper: String, work: String)
    case directory(String)
}

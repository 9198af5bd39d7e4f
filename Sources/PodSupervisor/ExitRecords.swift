import Base
import CLinux
import JSON
import PodProtocol

/// The files that say how containers ended, for an agent that was not there.
struct ExitRecords {
    private let runFolder: String

    init(runFolder: String) { self.runFolder = runFolder }

    /// Makes the folder.
    func prepare() throws(SystemError) { try Files.makeDirectories(runFolder + "/exits", mode: 0o700) }

    /// Writes the record of an attempt that has ended. A reader sees all of it or nothing. It lies on a tmpfs: what it
    /// says is void after a power cut anyway.
    func write(_ state: ContainerState) throws(SystemError) {
        try Files.replace(path(state.container, state.attempt), with: JSONWriter().bytes(state.record), durable: false)
    }

    func remove(_ container: String, _ attempt: Int64) throws(SystemError) {
        try Files.remove(path(container, attempt))
    }

    private func path(_ container: String, _ attempt: Int64) -> String {
        PodConfiguration.exitRecordPath(runFolder: runFolder, container: container, attempt: attempt)
    }
}

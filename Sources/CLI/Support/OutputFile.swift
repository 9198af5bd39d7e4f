import Base
import CLinux

/// A file that a command writes for a person. A regular file, or none, is replaced when all is written; a device, a
/// pipe or whatever else is there is written to and stays what it is.
struct OutputFile {
    let path: String
    /// What is written to, also by another program.
    let descriptor: SharedDescriptor
    /// What is renamed to `goal` in the end; nil where it is written to straight.
    private let partial: String?
    private let goal: String

    /// - Parameter path: symbolic links are followed, as a shell's `>` does.
    /// - Throws: `SystemError` when it cannot be written.
    init(_ path: String) throws(SystemError) {
        self.path = path
        var status = stat()
        var link = stat()
        let isThere = stat(path, &status) == 0
        // A link to nothing is written through: what it means to make is made.
        let isDangling = !isThere && lstat(path, &link) == 0
        guard !isDangling, !isThere || swl_is_regular(status.st_mode) else {
            descriptor = SharedDescriptor(try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_NOCTTY, mode: 0o600))
            (partial, goal) = (nil, path)
            return
        }
        goal = isThere ? try Self.resolved(path) : path
        let partial = "\(goal).\(getpid()).partial"
        self.partial = partial
        descriptor = SharedDescriptor(
            try FileDescriptor.open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600))
        // Who could read the old one can read the new one.
        if isThere { _ = fchmod(descriptor.raw, status.st_mode & 0o777) }
    }

    private static func resolved(_ path: String) throws(SystemError) -> String {
        guard let found = realpath(path, nil) else { throw SystemError("resolve", path, .current) }
        defer { free(found) }
        return String(cString: found)
    }

    func write(_ bytes: [UInt8]) throws(SystemError) {
        try descriptor.descriptor.writeAll(bytes, name: path)
    }

    /// All is written: it takes the place of the old one.
    func finish() throws(SystemError) {
        guard let partial else { return }
        try retrying("rename", "\(partial) to \(goal)") { rename(partial, goal) }
    }

    /// It was not written to its end: the old one stays.
    func abandon() {
        if let partial { _ = unlink(partial) }
    }

}

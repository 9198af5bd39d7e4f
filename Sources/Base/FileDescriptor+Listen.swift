import CLinux

extension FileDescriptor {
    /// A socket that listens at `path`, for the user of this process alone; reading and accepting from it does not block.
    /// One that a dead process left there is replaced.
    ///
    /// - Throws: `SystemError`; EADDRINUSE when another process listens there, EEXIST when something else has the name.
    public static func listening(at path: String) throws(SystemError) -> FileDescriptor {
        try removeStale(path)
        return FileDescriptor(adopting: try retrying("listen at", path) { swl_unix_socket(path, 1, 1) })
    }

    private static func removeStale(_ path: String) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard swl_is_socket(status.st_mode) else { throw SystemError("listen at", path, .exists) }
        let probe = swl_unix_socket(path, 0, 1)
        let error = Errno.current
        if probe >= 0 { _ = CLinux.close(probe) }
        if probe >= 0 || error == .again {
            throw SystemError("listen at", path, Errno(rawValue: EADDRINUSE))
        }
        try Files.remove(path)
    }
}

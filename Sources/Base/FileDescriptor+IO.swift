import CLinux

extension FileDescriptor {
    /// Opens `path` close-on-exec.
    public static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemError) -> FileDescriptor {
        FileDescriptor(adopting: try retrying("open", path) { swl_open(path, flags, mode) })
    }

    /// Opens `path` relative to this folder, close-on-exec. Only for names that we chose: what a container or image
    /// names goes through `Linux.RootDirectory`.
    public borrowing func open(at path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemError)
        -> FileDescriptor
    {
        let raw = self.raw
        return FileDescriptor(adopting: try retrying("open", path) { swl_openat(raw, path, flags, mode) })
    }

    /// A close-on-exec pipe: what is written to `write` comes out of `read`.
    public static func pipe(nonBlocking: Bool = false) throws(SystemError) -> Pipe {
        var ends: [Int32] = [-1, -1]
        try retrying("pipe2", "a new pipe") { pipe2(&ends, O_CLOEXEC | (nonBlocking ? O_NONBLOCK : 0)) }
        return Pipe(read: FileDescriptor(adopting: ends[0]), write: FileDescriptor(adopting: ends[1]))
    }

    /// Reads at most `buffer.count` bytes. 0 at the end of the file; nil when the call would block.
    public borrowing func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        while true {
            let n = CLinux.read(raw, buffer.baseAddress, buffer.count)
            if n >= 0 { return n }
            let error = Errno.current
            if error == .again { return nil }
            if error != .interrupted { throw SystemError("read", "fd \(raw)", error) }
        }
    }

    /// Reads at most `buffer.count` bytes to the front of `buffer`. 0 at the end; nil when the call would block.
    public borrowing func read(into buffer: inout [UInt8]) throws(SystemError) -> Int? {
        let raw = self.raw
        while true {
            let n = buffer.withUnsafeMutableBytes { CLinux.read(raw, $0.baseAddress, $0.count) }
            if n >= 0 { return n }
            let error = Errno.current
            if error == .again { return nil }
            if error != .interrupted { throw SystemError("read", "fd \(raw)", error) }
        }
    }

    /// Reads to the end of the file.
    ///
    /// - Parameter limit: the most bytes to accept.
    /// - Throws: `SystemError`; EFBIG when there is more than `limit`.
    public borrowing func readAll(limit: Int, name: String = "file") throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        // Most files are small, and every new page of memory costs as much as several calls.
        var chunk = [UInt8](repeating: 0, count: min(limit + 1, 2048))
        while true {
            let raw = self.raw
            let n = try retrying("read", name) {
                chunk.withUnsafeMutableBytes { CLinux.read(raw, $0.baseAddress, $0.count) }
            }
            if n == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<n])
            if bytes.count > limit { throw SystemError("read", name, Errno(rawValue: EFBIG)) }
            if n == chunk.count, n < 64 * 1024 {
                chunk = [UInt8](repeating: 0, count: min(limit + 1, 64 * 1024))
            }
        }
    }

    /// Writes at most all of `bytes`; the number written, nil when the call would block.
    public borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        while true {
            let n = CLinux.write(raw, bytes.baseAddress, bytes.count)
            if n >= 0 { return n }
            let error = Errno.current
            if error == .again { return nil }
            if error != .interrupted { throw SystemError("write", "fd \(raw)", error) }
        }
    }

    /// Writes all of `bytes` to a blocking descriptor.
    public borrowing func writeAll(_ bytes: some Collection<UInt8>, name: String = "file") throws(SystemError) {
        let array = Array(bytes)
        var offset = 0
        let raw = self.raw
        while offset < array.count {
            offset += try retrying("write", name) {
                array.withUnsafeBytes { CLinux.write(raw, $0.baseAddress?.advanced(by: offset), $0.count - offset) }
            }
        }
    }

    /// The file's status.
    public borrowing func status(name: String = "file") throws(SystemError) -> stat {
        var result = stat()
        let raw = self.raw
        try retrying("fstat", name) { fstat(raw, &result) }
        return result
    }
}

/// The two ends of a pipe.
@frozen public struct Pipe: ~Copyable {
    public var read: FileDescriptor
    public var write: FileDescriptor
    public init(read: consuming FileDescriptor, write: consuming FileDescriptor) {
        self.read = read
        self.write = write
    }
}

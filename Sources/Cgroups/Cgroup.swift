import Base
import CLinux

/// One folder of the cgroup v2 hierarchy, held open: it stays the same cgroup whatever happens to its path.
public struct Cgroup: Sendable {
    /// For messages, and for what the kernel only takes by name.
    public let path: String
    public let directory: SharedDescriptor

    private init(path: String, directory: consuming FileDescriptor) {
        self.path = path
        self.directory = SharedDescriptor(directory)
    }

    /// Opens an existing cgroup.
    public static func open(_ path: String) throws(SystemError) -> Cgroup {
        Cgroup(path: path, directory: try .open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    }

    /// Opens a cgroup, making it and its missing parents.
    public static func create(_ path: String) throws(SystemError) -> Cgroup {
        try Files.makeDirectories(path)
        return try open(path)
    }

    /// Opens the child `name`, making it when `create`.
    ///
    /// - Throws: `SystemError`; EINVAL when `name` is not a plain name.
    public func child(_ name: String, create: Bool) throws(SystemError) -> Cgroup {
        let path = Path.join(self.path, name)
        guard Self.isPlainName(name) else { throw SystemError("name a cgroup", path, .invalid) }
        if create, mkdirat(directory.raw, name, 0o755) < 0 {
            let error = Errno.current
            if error != .exists { throw SystemError("mkdir", path, error) }
        }
        return Cgroup(
            path: path, directory: try directory.descriptor.open(at: name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    }

    /// The names of the child cgroups.
    public func children() throws(SystemError) -> [String] {
        var names: [String] = []
        for name in try Files.list(path) where Self.isPlainName(name) {
            var status = stat()
            if fstatat(directory.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0, swl_is_dir(status.st_mode) {
                names.append(name)
            }
        }
        return names
    }

    private static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.allSatisfy { $0 != 0x2F && $0 != 0 && $0 != 0x0A }
    }

    // MARK: Files

    /// The file's text without its last line end.
    public func read(_ file: String) throws(SystemError) -> String {
        let name = Path.join(path, file)
        let bytes = try openFile(file, O_RDONLY).readAll(limit: 1 << 20, name: name)
        return String(decoding: bytes.last == 0x0A ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    /// Writes `value` in one write.
    public func write(_ file: String, _ value: String) throws(SystemError) {
        try openFile(file, O_WRONLY).writeAll(value.utf8, name: "\"\(value)\" to \(Path.join(path, file))")
    }

    /// Whether the kernel offers `file` here.
    public func has(_ file: String) -> Bool { faccessat(directory.raw, file, F_OK, 0) == 0 }

    /// The file, for an event loop: `cgroup.events` and `memory.events` are ready (`.priority`) after each change
    /// that followed their last read.
    public func openFile(_ file: String, _ flags: Int32) throws(SystemError) -> FileDescriptor {
        guard Self.isPlainName(file) else { throw SystemError("open", Path.join(path, file), .invalid) }
        do { return try directory.descriptor.open(at: file, flags) } catch {
            throw SystemError("open", Path.join(path, file), error.errno)
        }
    }

    // MARK: Controllers and processes

    /// The controllers that this cgroup has.
    public func controllers() throws(SystemError) -> [String] {
        try read("cgroup.controllers").split(separator: " ").map(String.init)
    }

    /// Gives those of `wanted` that this cgroup has to its children.
    ///
    /// - Throws: `SystemError`; EBUSY when processes sit in this cgroup itself.
    public func delegateControllers(_ wanted: [String]) throws(SystemError) {
        let available = try controllers()
        let given = try read("cgroup.subtree_control").split(separator: " ").map(String.init)
        let missing = wanted.filter { available.contains($0) && !given.contains($0) }
        if missing.isEmpty { return }
        try write("cgroup.subtree_control", missing.map { "+" + $0 }.joined(separator: " "))
    }

    /// The processes in this cgroup, without those of its children.
    public func processes() throws(SystemError) -> [pid_t] {
        try read("cgroup.procs").split(separator: "\n").compactMap { pid_t($0) }
    }

    /// Moves a process here.
    public func add(_ pid: pid_t) throws(SystemError) { try write("cgroup.procs", "\(pid)") }

    // MARK: Ending

    /// Kills all processes of this cgroup and its children, also frozen ones and those being forked.
    public func kill() throws(SystemError) { try write("cgroup.kill", "1") }

    /// Asks the kernel to stop or continue all processes; `events().frozen` says when it is done.
    public func freeze(_ frozen: Bool) throws(SystemError) { try write("cgroup.freeze", frozen ? "1" : "0") }

    public struct Events: Sendable, Hashable {
        /// A process is in this cgroup or its children.
        public var populated: Bool
        public var frozen: Bool
    }

    public func events() throws(SystemError) -> Events {
        let values = Self.keyed(try read("cgroup.events"))
        return Events(populated: values["populated"] == 1, frozen: values["frozen"] == 1)
    }

    /// Removes this cgroup and its children. True when it is gone (also when it was gone before), false when
    /// processes are still in it.
    public func remove() throws(SystemError) -> Bool {
        // Deepest first. Names come from a listing, so a child made meanwhile leads to EBUSY and another try.
        let names: [String]
        do { names = try children() } catch {
            if error.errno == .noEntry { return true }
            throw error
        }
        for name in names {
            let child: Cgroup
            do { child = try self.child(name, create: false) } catch {
                if error.errno == .noEntry { continue }
                throw error
            }
            if try !child.remove() { return false }
        }
        if rmdir(path) == 0 { return true }
        let error = Errno.current
        switch error {
        case .noEntry: return true
        case .busy: return false
        default: throw SystemError("rmdir", path, error)
        }
    }

    /// Kills what is in the cgroup and removes it, waiting for its processes to end. Blocks.
    ///
    /// - Throws: `SystemError`; EBUSY when a process is still there after `time` (it is in uninterruptible sleep).
    public func destroy(within time: Nanoseconds) throws(SystemError) {
        let deadline = BootInstant.now + time
        guard let events = try startKilling() else { return }
        while try !remove() {
            let left = deadline - .now
            if left.count <= 0 { throw SystemError("remove the cgroup", path, .busy) }
            // Exiting processes leave the cgroup just before it can be removed, so a short time-out covers the gap.
            var poll = pollfd(fd: events.raw, events: Int16(POLLPRI), revents: 0)
            _ = CLinux.poll(&poll, 1, Int32(clamping: min(left.count / 1_000_000, 20)))
        }
    }

    /// Nil when the cgroup is gone.
    private func startKilling() throws(SystemError) -> SharedDescriptor? {
        do {
            let events = SharedDescriptor(try openFile("cgroup.events", O_RDONLY))
            try kill()
            return events
        } catch {
            // ENODEV: the folder was removed while we hold it.
            if error.errno == .noEntry || error.errno == Errno(rawValue: ENODEV) { return nil }
            throw error
        }
    }

    /// The lines `key value` of a flat-keyed file.
    static func keyed(_ text: String) -> [String: UInt64] {
        var values: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, let value = UInt64(parts[1]) { values[String(parts[0])] = value }
        }
        return values
    }
}

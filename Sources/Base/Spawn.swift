import CLinux

/// Starts a program from a process of any number of threads, without copying it.
public struct Spawn: ~Copyable {
    /// Absolute path of the program; the name in messages when `executable` is set.
    public var path: String
    public var arguments: [String]
    public var environment: [String]
    /// The program opened O_PATH; used instead of `path` when set.
    public var executable: SharedDescriptor?
    /// What becomes the child's 0, 1 and 2; `/dev/null` where nil.
    public var standardInput: SharedDescriptor?
    public var standardOutput: SharedDescriptor?
    public var standardError: SharedDescriptor?
    /// Stay open at their own numbers.
    public var keep: [SharedDescriptor] = []
    /// Directory of the cgroup v2 to start in.
    public var cgroup: SharedDescriptor?
    /// Network namespace to start in.
    public var networkNamespace: SharedDescriptor?
    /// setsid() in the child.
    public var newSession = false
    /// Signal the child gets when the thread that started it ends; 0 for none.
    public var parentDeathSignal: Int32 = 0

    public init(_ path: String, _ arguments: [String], environment: [String] = []) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }

    /// Starts the program (argv[0] is `path`).
    ///
    /// - Throws: `SystemError` naming the step that failed; the program has not run then.
    public consuming func start() throws(SystemError) -> ChildProcess {
        var args = swl_spawn_args()
        args.exec_fd = executable?.raw ?? -1
        args.stdin_fd = standardInput?.raw ?? -1
        args.stdout_fd = standardOutput?.raw ?? -1
        args.stderr_fd = standardError?.raw ?? -1
        args.cgroup_fd = cgroup?.raw ?? -1
        args.netns_fd = networkNamespace?.raw ?? -1
        args.new_session = newSession ? 1 : 0
        args.parent_death_signal = parentDeathSignal
        let keepers = keep.map(\.raw)
        args.keep_count = Int32(keepers.count)
        var pidfd: Int32 = -1
        var step: Int32 = 0
        var failure = Errno(rawValue: 0)
        let pid = withCStrings([path] + arguments) { argv in
            withCStrings(environment) { envp in
                path.withCString { path in
                    keepers.withUnsafeBufferPointer { keepers in
                        args.path = path
                        args.argv = argv
                        args.envp = envp
                        args.keep = keepers.baseAddress
                        let pid = swl_spawn(&args, &pidfd, &step)
                        if pid < 0 { failure = .current }
                        return pid
                    }
                }
            }
        }
        if pid < 0 {
            let steps = ["clone3 for", "prepare descriptors of", "enter the namespaces of", "execute"]
            throw SystemError(steps[Int(step)], path, failure)
        }
        return ChildProcess(pid: pid, pidfd: SharedDescriptor(FileDescriptor(adopting: pidfd)))
    }
}

/// A child of this process, held by its pidfd: a signal can never hit a stranger that got its number.
public struct ChildProcess: Sendable {
    public let pid: pid_t
    public let pidfd: SharedDescriptor

    public init(pid: pid_t, pidfd: SharedDescriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// How a process ended.
    public struct Exit: Hashable, Sendable {
        /// The exit status; 128 + the signal when one killed it.
        public var code: Int32
        /// The signal that killed it, or 0.
        public var signal: Int32
        public init(code: Int32, signal: Int32) {
            self.code = code
            self.signal = signal
        }
    }

    /// Reaps the process. Nil when it is still running and `block` is false.
    public func wait(block: Bool) throws(SystemError) -> Exit? {
        var code: Int32 = 0
        var signal: Int32 = 0
        let result = try retrying("waitid", "process \(pid)") {
            swl_wait_pidfd(pidfd.raw, block ? 0 : 1, &code, &signal)
        }
        return result == 0 ? nil : Exit(code: code, signal: signal)
    }

    /// Whether the process has ended, reaped or not.
    public var hasEnded: Bool {
        var wait = pollfd(fd: pidfd.raw, events: Int16(POLLIN), revents: 0)
        return poll(&wait, 1, 0) == 1
    }

    /// Sends a signal; false when the process has ended.
    @discardableResult
    public func send(_ signal: Int32) throws(SystemError) -> Bool {
        if swl_pidfd_send_signal(pidfd.raw, signal) == 0 { return true }
        let error = Errno.current
        if error == .noProcess { return false }
        throw SystemError("pidfd_send_signal", "process \(pid)", error)
    }
}

/// Calls `body` with a null-terminated array of C strings, valid only for the call.
public func withCStrings<R>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws -> R
) rethrows -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return try pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("the array has at least its terminator") }
        return try body(base)
    }
}

import Base
import CLinux
import Linux
import OCI

/// Turns the cloned child, once it is inside the container's namespaces and root, into the process that was asked for.
struct ProcessSetup {
    var process: RuntimeProcess
    var user: UserRequest
    var runAsNonRoot: Bool
    var seccompProgram: [UInt8]
    /// Socket on which the terminal's master is sent to the caller, or -1.
    var terminalSocket: Int32
    /// Which of 0, 1 and 2 the caller gave nothing for.
    var emptyStreams: [Int32]
    /// A container's first process: its terminal is shown as /dev/console too.
    var isFirst: Bool
    var status: StatusPipe

    private let root: RootDirectory
    private var notes: [String] = []

    init(
        process: RuntimeProcess, user: UserRequest, runAsNonRoot: Bool, seccompProgram: [UInt8],
        channel: ChildChannel, isFirst: Bool
    ) throws(SystemError) {
        self.process = process
        self.user = user
        self.runAsNonRoot = runAsNonRoot
        self.seccompProgram = seccompProgram
        self.isFirst = isFirst
        terminalSocket = channel.terminal
        emptyStreams = channel.emptyStreams
        status = channel.status
        root = RootDirectory(SharedDescriptor(try .open("/", O_PATH | O_DIRECTORY)), name: "the container")
    }

    /// Everything up to and with the execution. Returns only by throwing.
    ///
    /// - Parameter seal: makes the root file system read-only where that is asked for.
    mutating func run(seal: () throws(ContainerError) -> Void) throws(ContainerError) {
        let resolved = try resolveUser()
        if runAsNonRoot, resolved.uid == 0 {
            throw ContainerError(
                .user, "run as", "user 0", nil, hint: "container has runAsNonRoot and image will run as root")
        }
        if !process.env.contains(where: { $0.hasPrefix("HOME=") }) {
            process.env.append("HOME=\(resolved.home.flatMap { $0.isEmpty ? nil : $0 } ?? "/")")
        }
        let available: CapabilitySet
        let folder: SharedDescriptor
        do {
            available = try ProcessCapabilities.permitted()
            folder = SharedDescriptor(
                try root.makeDirectories(process.cwd, owner: (uid: resolved.uid, gid: resolved.gid)))
        } catch {
            throw ContainerError(
                error, hint: error.errno == .loop ? "the working folder leads through the kernel's magic links" : "")
        }
        let credentials = try CredentialPlan(process.capabilities, available: available)
        if !credentials.missing.isEmpty {
            notes.append(
                "capabilities that this node itself does not have were left out: "
                    + credentials.missing.members.map(\.name).joined(separator: ", "))
        }
        do {
            if process.terminal { try openTerminal(resolved) } else { try finishStreams(resolved) }
        } catch { throw ContainerError(error) }
        try seal()
        try applyLimits()
        if let profile = process.apparmorProfile { try AppArmorChange.onExecution(to: profile) }
        _ = umask(mode_t(process.user.umask ?? 0o022))
        try enter(folder)
        do { try become(resolved, credentials) } catch { throw ContainerError(error) }
        let path = try ExecutablePath.find(process.args.first ?? "", environment: process.env)
        try execute(path, resolved, credentials)
    }

    private func resolveUser() throws(ContainerError) -> ResolvedUser {
        let needsHome = !process.env.contains { $0.hasPrefix("HOME=") }
        // Nothing to look up: probes and attaches must not read files each time.
        let isComplete = user.uid != nil && user.gid != nil && !user.useImageGroups && !needsHome
        let database: UserDatabase
        do { database = isComplete ? UserDatabase() : try UserDatabase(root) } catch {
            throw ContainerError(error, kind: .user)
        }
        return try database.resolve(user)
    }

    // MARK: Streams

    /// Streams that the caller left out become the container's own null device: the host's, as an open file, could be
    /// changed through it. The caller's pipes are given to the user, so that he can open `/dev/stdout`; devices never.
    private func finishStreams(_ user: ResolvedUser) throws(SystemError) {
        for number in emptyStreams {
            let null = try root.open("/dev/null", O_RDWR | O_NOCTTY | O_NONBLOCK)
            let status = try null.status(name: "/dev/null")
            guard swl_is_char(status.st_mode), status.st_rdev == swl_makedev(1, 3) else {
                throw SystemError("use as the null device", "/dev/null in the container", .invalid)
            }
            let raw = null.raw
            try retrying("fcntl", "/dev/null") { swl_fcntl(raw, F_SETFL, Int(O_RDWR)) }
            try retrying("dup2", "/dev/null") { dup2(raw, number) }
        }
        for number: Int32 in 0..<3 {
            var status = stat()
            guard fstat(number, &status) == 0, swl_is_fifo(status.st_mode), status.st_uid != user.uid else { continue }
            try retrying("chown", "the pipe of fd \(number)") { fchown(number, user.uid, gid_t.max) }
        }
    }

    private mutating func openTerminal(_ user: ResolvedUser) throws(SystemError) {
        let folder = try root.open("/dev/pts", O_PATH | O_DIRECTORY)
        guard swl_filesystem_magic(folder.raw) == Int64(DEVPTS_SUPER_MAGIC) else {
            throw SystemError("open a terminal in (no devpts)", "/dev/pts in the container", .invalid)
        }
        let instance = folder.raw
        var other: Int32 = -1
        let master = FileDescriptor(
            adopting: try retrying("open a terminal in", "/dev/pts") { swl_open_pty(instance, &other) })
        let slave = FileDescriptor(adopting: other)
        let raw = slave.raw
        if let size = process.consoleSize {
            try retrying("set the size of", "the terminal") { swl_set_window_size(raw, size.height, size.width) }
        }
        try retrying("chown", "the terminal") { fchown(raw, user.uid, gid_t.max) }
        if isFirst {
            let console = try root.makeFile("/dev/console", links: .refuse)
            try MountTree.clone(of: slave, name: "the terminal", recursive: false)
                .attach(to: console, name: "/dev/console")
        }
        for number: Int32 in 0..<3 { try retrying("dup2", "the terminal") { dup2(raw, number) } }
        try retrying("take as controlling terminal", "the terminal") { swl_set_controlling_terminal(raw) }
        let (socket, end) = (terminalSocket, master.raw)
        try retrying("hand over", "the terminal") { swl_send_fd(socket, end) }
    }

    // MARK: Limits

    private mutating func applyLimits() throws(ContainerError) {
        for limit in process.rlimits {
            guard let resource = ResourceLimit(name: limit.type), limit.soft <= limit.hard else {
                throw ContainerError(
                    .invalid, "process.rlimits", "\(limit.type) \(limit.soft):\(limit.hard)", .invalid)
            }
            do throws(SystemError) { try resource.set(soft: limit.soft, hard: limit.hard) } catch {
                guard error.errno == .notPermitted, let current = try? resource.current() else {
                    throw ContainerError(error)
                }
                // Without CAP_SYS_RESOURCE the hard limit in force is the most that can be given.
                let hard = min(limit.hard, current.hard)
                do throws(SystemError) { try resource.set(soft: min(limit.soft, hard), hard: hard) } catch {
                    throw ContainerError(error)
                }
                notes.append(
                    "\(limit.type) could not be raised to \(limit.hard) without CAP_SYS_RESOURCE; it is \(hard)")
            }
        }
        if let score = process.oomScoreAdj {
            do throws(SystemError) { try setOutOfMemoryScore(score) } catch { throw ContainerError(error) }
        }
    }

    private mutating func setOutOfMemoryScore(_ score: Int) throws(SystemError) {
        let proc = try ProcessFilesystem()
        do { try proc.write("self/oom_score_adj", "\(score)") } catch {
            guard error.errno == .accessDenied else { throw error }
            notes.append("oom_score_adj could not be lowered to \(score) without CAP_SYS_RESOURCE")
        }
    }

    // MARK: Identity

    private func enter(_ folder: SharedDescriptor) throws(ContainerError) {
        do throws(SystemError) {
            try retrying("chdir", process.cwd) { fchdir(folder.raw) }
            // The kernel answers "(unreachable)/..." for a folder outside the root (CVE-2024-21626).
            var buffer = [CChar](repeating: 0, count: 4096 + 1)
            let count = try retrying("getcwd", process.cwd) { swl_getcwd(&buffer, 4096) }
            guard count > 1, buffer[0] == CChar(bitPattern: UInt8(ascii: "/")) else {
                throw SystemError("enter (it is outside of the container)", process.cwd, .notPermitted)
            }
        } catch { throw ContainerError(error) }
    }

    private func become(_ user: ResolvedUser, _ plan: CredentialPlan) throws(SystemError) {
        try ProcessCapabilities.limitBounding(to: plan.bounding)
        // Always, also for none: the caller's own groups must not come along.
        try retrying("set", "\(user.groups.count) groups") { swl_setgroups(user.groups.count, user.groups) }
        try retrying("keep capabilities for", "user \(user.uid)") { Int(swl_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)) }
        try retrying("become", "group \(user.gid)") { swl_set_gid(user.gid) }
        try retrying("become", "user \(user.uid)") { swl_set_uid(user.uid) }
        // Without no_new_privs a filter can only be loaded with CAP_SYS_ADMIN, which then goes after it.
        var permitted = plan.permitted
        var effective = plan.effective
        if !seccompProgram.isEmpty, !process.noNewPrivileges {
            permitted.insert(.sysAdmin)
            effective.insert(.sysAdmin)
        }
        try ProcessCapabilities.set(permitted: permitted, effective: effective, inheritable: plan.inheritable)
        try ProcessCapabilities.raiseAmbient(plan.ambient)
        if process.noNewPrivileges {
            try retrying("set", "no_new_privs") { Int(swl_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) }
        }
    }

    // MARK: The end

    private func execute(
        _ path: String, _ user: ResolvedUser, _ plan: CredentialPlan
    ) throws(ContainerError) {
        // Everything else that is open is the host's.
        let own = UInt32(status.raw)
        if own > 3 { _ = swl_close_range(3, own - 1, 0) }
        _ = swl_close_range(own + 1, UInt32.max, 0)
        status.report(user, notes: notes)
        var failure: ContainerError?
        withCStrings(process.args) { arguments in
            withCStrings(process.env) { environment in
                do throws(SystemError) { try loadFilter(plan) } catch {
                    failure = ContainerError(error)
                    return
                }
                execve(path, arguments, environment)
                failure = ExecutablePath.explain(.current, path)
            }
        }
        if let failure { throw failure }
    }

    private func loadFilter(_ plan: CredentialPlan) throws(SystemError) {
        guard !seccompProgram.isEmpty else { return }
        let count = seccompProgram.count / MemoryLayout<sock_filter>.stride
        let result = seccompProgram.withUnsafeBytes {
            swl_seccomp_load($0.bindMemory(to: sock_filter.self).baseAddress, UInt16(clamping: count), 0)
        }
        if result < 0 { throw SystemError("load the seccomp filter of", "\(count) instructions", .current) }
        if !process.noNewPrivileges {
            try ProcessCapabilities.set(
                permitted: plan.permitted, effective: plan.effective, inheritable: plan.inheritable)
        }
    }
}

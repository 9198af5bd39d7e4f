import Base
import CLinux
import Linux
import OCI

/// Starts containers and processes in them. For a single-threaded process without threads of its own, as `swiftlet-pod`
/// is: the child continues as a copy of it until it executes the program.
public enum ContainerLauncher {
    /// Starts a container. Returns at once; the outcome comes on `Launch.status`.
    ///
    /// - Throws: `ContainerError` when the request cannot be carried out, or the process cannot be made.
    public static func launch(_ request: ContainerRequest) throws(ContainerError) -> Launch {
        let namespaces = try check(request)
        let plan = try SetupPlan(request.spec, root: request.root)
        return try start(
            namespaces, cgroup: request.cgroup, pidNamespace: request.pidNamespace,
            streams: [request.standardInput, request.standardOutput, request.standardError],
            terminal: request.spec.process.terminal, keep: []
        ) { (channel) throws(ContainerError) in
            try child(request, namespaces, plan, channel)
        }
    }

    /// Starts a process in the container whose first process is `container`.
    ///
    /// - Throws: `ContainerError` of kind `notRunning` when the container has ended.
    public static func exec(in container: ChildProcess, _ request: ExecRequest) throws(ContainerError) -> Launch {
        try check(request.process, request.seccompProgram)
        let pidfd = container.pidfd
        return try start(
            [], cgroup: request.cgroup, pidNamespace: pidfd,
            streams: [request.standardInput, request.standardOutput, request.standardError],
            terminal: request.process.terminal, keep: [pidfd.raw]
        ) { (channel) throws(ContainerError) in
            do throws(SystemError) {
                let all: Namespaces = [.mount, .cgroup, .network, .ipc, .uts]
                try all.enter(of: pidfd.descriptor, name: "process \(container.pid)")
            } catch { throw notRunning(error) }
            var setup: ProcessSetup
            do throws(SystemError) {
                setup = try ProcessSetup(
                    process: request.process, user: request.user, runAsNonRoot: false,
                    seccompProgram: request.seccompProgram, channel: channel, isFirst: false)
            } catch { throw ContainerError(error) }
            try setup.run(seal: { () throws(ContainerError) in })
        }
    }

    // MARK: Checking

    private static func check(_ request: ContainerRequest) throws(ContainerError) -> Namespaces {
        let valid = request.id.utf8.enumerated().allSatisfy { index, c in
            (c >= 0x30 && c <= 0x39) || (c | 0x20 >= 0x61 && c | 0x20 <= 0x7A) || c == 0x5F || c == 0x2B || c == 0x2D
                || (c == 0x2E && index > 0)
        }
        guard valid, !request.id.isEmpty, request.id.utf8.count <= 1024 else {
            throw ContainerError(.invalid, "name the container", "\"\(request.id)\"", .invalid)
        }
        let spec = request.spec
        try check(spec.process, request.seccompProgram)
        if spec.linux.seccomp != nil, request.seccompProgram.isEmpty {
            throw ContainerError(.invalid, "linux.seccomp", "", .invalid, hint: "it has not been compiled")
        }
        if let name = spec.linux.sysctl.keys.min() {
            throw ContainerError(
                .invalid, "linux.sysctl", name, .notSupported, hint: "sysctls of a container are not carried out yet")
        }
        var namespaces: Namespaces = []
        for namespace in spec.linux.namespaces {
            let bit: Namespaces
            switch namespace.kind {
            case .pid: bit = .pid
            case .network: bit = .network
            case .mount: bit = .mount
            case .ipc: bit = .ipc
            case .uts: bit = .uts
            case .cgroup: bit = .cgroup
            case .user, .time:
                throw ContainerError(.invalid, "linux.namespaces", namespace.kind.rawValue, .notSupported)
            }
            guard namespace.path == nil || namespace.path == "" else {
                throw ContainerError(
                    .invalid, "linux.namespaces", "\(namespace.kind.rawValue) at \(namespace.path ?? "")",
                    .notSupported, hint: "joining a namespace by path is not carried out yet")
            }
            guard namespaces.isDisjoint(with: bit) else {
                throw ContainerError(.invalid, "linux.namespaces", namespace.kind.rawValue, .exists)
            }
            namespaces.formUnion(bit)
        }
        guard namespaces.contains(.mount) else {
            throw ContainerError(
                .invalid, "linux.namespaces", "mount", .invalid, hint: "a container has a mount namespace of its own")
        }
        if namespaces.contains(.pid), request.pidNamespace != nil {
            throw ContainerError(
                .invalid, "linux.namespaces", "pid", .invalid, hint: "a new one and a shared one exclude each other")
        }
        if spec.hostname != nil || spec.domainname != nil, !namespaces.contains(.uts) {
            throw ContainerError(
                .invalid, "hostname", spec.hostname ?? "", .invalid,
                hint: "the pod's name is set by its supervisor; a container needs a uts namespace of its own for one")
        }
        return namespaces
    }

    private static func check(_ process: RuntimeProcess, _ filter: [UInt8]) throws(ContainerError) {
        let texts = process.args + process.env
        guard texts.allSatisfy({ !$0.utf8.contains(0) }) else {
            throw ContainerError(.invalid, "process.args and env", "", .invalid, hint: "a text has a zero byte")
        }
        guard filter.count % 8 == 0, filter.count <= 4096 * 8 else {
            throw ContainerError(.invalid, "use the seccomp program", "\(filter.count) bytes", .invalid)
        }
        _ = try SetupPlan.clean(process.cwd, "process.cwd")
        // The kernel takes a page, and cuts off what is beyond it.
        if let profile = process.apparmorProfile,
            profile.isEmpty || profile.utf8.contains(0) || profile.utf8.count > 4095 - AppArmorChange.prefix.utf8.count
        {
            throw ContainerError(
                .invalid, "process.apparmorProfile", "\"\(profile)\"", .invalid, hint: "it is no profile's name")
        }
    }

    private static func notRunning(_ error: SystemError) -> ContainerError {
        error.errno == .noProcess
            ? ContainerError(.notRunning, "enter the container", error.object, error.errno, hint: "it has ended")
            : ContainerError(error)
    }

    // MARK: Starting

    private static func start(
        _ namespaces: Namespaces, cgroup: SharedDescriptor?, pidNamespace: SharedDescriptor?,
        streams: [SharedDescriptor?], terminal: Bool, keep: [Int32],
        _ body: (ChildChannel) throws(ContainerError) -> Void
    ) throws(ContainerError) -> Launch {
        do {
            // Nobody who shares a namespace with the child may look into it or at its descriptors (CVE-2016-9962).
            try retrying("make undumpable", "this process") { Int(swl_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) }
            Rehearsal.once
            let pipe = try SharedPipe(readsNonBlocking: true)
            var ends: [Int32] = [-1, -1]
            if terminal { try retrying("socketpair", "the terminal") { swl_socketpair(&ends) } }
            let socket = ends[0] >= 0 ? SharedDescriptor(FileDescriptor(adopting: ends[0])) : nil
            let otherSocket = ends[1] >= 0 ? SharedDescriptor(FileDescriptor(adopting: ends[1])) : nil

            var pidfd: Int32 = -1
            // The child uses descriptors by number: none may be closed by a value's end before it has.
            let held = (streams, pipe.write, otherSocket, cgroup, pidNamespace)
            let pid = try withExtendedLifetime(held) { () throws(SystemError) in
                let pid = try clone(namespaces, cgroup, pidNamespace, &pidfd)
                if pid == 0 {
                    run(ChildChannel(status: pipe.write.raw, terminal: otherSocket?.raw ?? -1), streams, keep, body)
                }
                return pid
            }
            return Launch(
                process: ChildProcess(pid: pid, pidfd: SharedDescriptor(FileDescriptor(adopting: pidfd))),
                status: pipe.read, terminal: socket)
        } catch {
            throw pidNamespace != nil ? notRunning(error) : ContainerError(error)
        }
    }

    /// clone3, with the pid namespace of `pidNamespace` when there is one: that of a process's children is changed for
    /// the call alone.
    private static func clone(
        _ namespaces: Namespaces, _ cgroup: SharedDescriptor?, _ pidNamespace: SharedDescriptor?, _ pidfd: inout Int32
    ) throws(SystemError) -> pid_t {
        guard let pidNamespace else {
            return try retrying("clone3 into", "the container") {
                swl_clone3(namespaces.rawValue, cgroup?.raw ?? -1, &pidfd)
            }
        }
        let own = try FileDescriptor.open("/proc/self/ns/pid", O_RDONLY)
        try Namespaces.pid.enter(of: pidNamespace.descriptor, name: "the container")
        let pid = swl_clone3(namespaces.rawValue, cgroup?.raw ?? -1, &pidfd)
        if pid == 0 { return 0 }
        let error = Errno.current
        try Namespaces.pid.enter(of: own, name: "this process")
        if pid < 0 { throw SystemError("clone3 into", "the container", error) }
        return pid
    }

    /// The child's whole life.
    private static func run(
        _ channel: ChildChannel, _ streams: [SharedDescriptor?], _ keep: [Int32],
        _ body: (ChildChannel) throws(ContainerError) -> Void
    ) -> Never {
        do throws(ContainerError) {
            var channel = channel
            do throws(SystemError) {
                swl_reset_signals()
                _ = umask(0)
                try retrying("setsid", "the container's process") { setsid() }
                try channel.takeOver(streams, keep: keep)
            } catch { throw ContainerError(error) }
            try body(channel)
        } catch { channel.status.report(error) }
        _exit(127)
    }

    private static func child(
        _ request: ContainerRequest, _ namespaces: Namespaces, _ plan: SetupPlan, _ channel: ChildChannel
    ) throws(ContainerError) {
        var interpreter = SetupInterpreter(LinuxKernel())
        try interpreter.run(plan.steps)
        var setup: ProcessSetup
        do {
            if let name = request.spec.hostname {
                try retrying("set the hostname", name) { swl_set_hostname(name, name.utf8.count) }
            }
            if let name = request.spec.domainname {
                try retrying("set the domain name", name) { swl_set_domainname(name, name.utf8.count) }
            }
            setup = try ProcessSetup(
                process: request.spec.process, user: request.user, runAsNonRoot: request.runAsNonRoot,
                seccompProgram: request.seccompProgram, channel: channel, isFirst: true)
        } catch { throw ContainerError(error) }
        try setup.run { () throws(ContainerError) in try interpreter.run(plan.finalSteps) }
    }
}

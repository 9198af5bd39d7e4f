import Base
import CLinux
import Linux
import OCI
import TestSupport
import Testing

@testable import Containers

/// Whether containers can be run here.
let canRunContainers: Bool =
    geteuid() == 0 && access("/bin/busybox", X_OK) == 0 && KernelFeatures.probe().complaints.isEmpty

/// A place to run containers in, inside the exit test's own process: private namespaces, a tmpfs for the images,
/// nothing of which is left when the process ends.
final class Laboratory {
    /// The image's only layer, to be changed by the test before the start.
    let image: String
    private let base: String
    private var count = 0

    init() throws {
        let namespaces: Namespaces = [.mount, .uts, .ipc, .network]
        try namespaces.unshare()
        try Namespaces.makeMountsPrivate()
        base = "/tmp"
        try MountTree.filesystem("tmpfs", source: "laboratory").attach(to: try .open(base, O_PATH), name: base)
        image = base + "/image"
        for folder in ["bin", "dev", "etc", "proc", "sys", "tmp", "work"] {
            try Files.makeDirectories(image + "/" + folder)
        }
        _ = chmod(image + "/tmp", 0o1777)
        try Files.replace(image + "/bin/busybox", with: try Files.read("/bin/busybox"), mode: 0o755, durable: false)
        for name in [
            "sh", "cat", "id", "ls", "mknod", "mount", "sleep", "true", "stat", "readlink", "head", "tty", "env",
        ] {
            #expect(symlink("busybox", image + "/bin/" + name) == 0)
        }
        try write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:101:102::/srv/web:/bin/sh\n")
        try write("/etc/group", "root:x:0:\nweb:x:102:\nlogs:x:200:web,other\nnone:x:201:other\n")
    }

    func write(_ path: String, _ text: String, mode: mode_t = 0o644) throws {
        try Files.replace(image + path, with: text.utf8, mode: mode, durable: false)
    }

    /// A new folder of the laboratory, seen from the host's side.
    func folder(_ name: String) throws -> String {
        let path = base + "/" + name
        try Files.makeDirectories(path)
        return path
    }

    /// What an ordinary pod's container gets.
    func request(_ args: [String]) throws -> ContainerRequest {
        var spec = RuntimeSpec()
        spec.process.args = args
        spec.process.env = ["PATH=/usr/bin:/bin"]
        let usual = ["nosuid", "noexec", "nodev"]
        spec.mounts = [
            RuntimeMount(destination: "/proc", type: "proc", source: "proc", options: usual),
            RuntimeMount(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            RuntimeMount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            RuntimeMount(
                destination: "/dev/shm", type: "tmpfs", source: "shm", options: usual + ["mode=1777", "size=65536k"]),
            RuntimeMount(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: usual),
            RuntimeMount(destination: "/sys", type: "sysfs", source: "sysfs", options: usual + ["ro"]),
            RuntimeMount(destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: usual + ["ro"]),
        ]
        spec.process.capabilities = RuntimeCapabilities([
            "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
            "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",
            "CAP_AUDIT_WRITE",
        ])
        spec.linux.namespaces = [.init(.mount), .init(.pid), .init(.cgroup)]
        spec.linux.maskedPaths = [
            "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug",
            "/proc/scsi", "/sys/firmware",
        ]
        spec.linux.readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
        count += 1
        let root = RootFilesystem.overlay(
            lower: [image], upper: try folder("upper\(count)"), work: try folder("work\(count)"))
        return ContainerRequest(id: "test-\(count)", spec: spec, root: root)
    }

    /// A shell script as the container's process.
    func script(_ text: String) throws -> ContainerRequest { try request(["/bin/sh", "-c", text]) }

    struct Ended {
        var exit: ChildProcess.Exit?
        var output: String
        var user: ResolvedUser?
        var notes: [String] = []
        var error: ContainerError?
    }

    /// Runs a container to its end; its standard output and error come back as text.
    func run(_ request: ContainerRequest) throws -> Ended {
        var request = request
        return try collect { write throws in
            (request.standardOutput, request.standardError) = (write, write)
            defer { (request.standardOutput, request.standardError) = (nil, nil) }
            return try ContainerLauncher.launch(request)
        }
    }

    /// The same for a process in a running container.
    func exec(in container: ChildProcess, _ request: ExecRequest) throws -> Ended {
        var request = request
        return try collect { write throws in
            (request.standardOutput, request.standardError) = (write, write)
            defer { (request.standardOutput, request.standardError) = (nil, nil) }
            return try ContainerLauncher.exec(in: container, request)
        }
    }

    private func collect(_ start: (SharedDescriptor) throws -> Launch) throws -> Ended {
        var ends: [Int32] = [-1, -1]
        try retrying("pipe2", "output") { pipe2(&ends, O_CLOEXEC) }
        let output = FileDescriptor(adopting: ends[0])
        // Our own end must be gone before the reading, or the pipe has no end.
        var write: SharedDescriptor? = SharedDescriptor(FileDescriptor(adopting: ends[1]))
        let launch = try write.map(start)
        write = nil
        guard let launch else { throw Errno.invalid }
        let text = String(decoding: try output.readAll(limit: 1 << 20), as: UTF8.self)
        var ended = Ended(exit: try launch.process.wait(block: true), output: text)
        switch outcome(of: launch) {
        case .started(let user, let notes): (ended.user, ended.notes) = (user, notes)
        case .failed(let error): ended.error = error
        }
        return ended
    }

    /// Waits until the program has been executed.
    func outcome(of launch: Launch) -> LaunchStatus.Outcome {
        var status = LaunchStatus()
        while true {
            if let outcome = status.receive(launch) { return outcome }
            var poll = pollfd(fd: launch.status.raw, events: Int16(POLLIN), revents: 0)
            _ = CLinux.poll(&poll, 1, 5000)
        }
    }

    /// Starts a container that waits to be killed.
    func sleeper(_ request: ContainerRequest? = nil) throws -> ChildProcess {
        var request = try request ?? self.request([])
        request.spec.process.args = ["/bin/sleep", "1000"]
        let launch = try ContainerLauncher.launch(request)
        if case .failed(let error) = outcome(of: launch) { throw error }
        return launch.process
    }
}

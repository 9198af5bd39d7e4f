import Base
import CLinux
import Cgroups
import Containers
import Linux
import OCI

/// Measures the container library alone: a container with all usual mounts, masks, limits of privileges and a cgroup of
/// its own is started, runs /bin/true (busybox) and is cleaned up, `COUNT` times; then as many executions in one that
/// runs. In namespaces and on a tmpfs of its own.
@main struct ContainerStart {
    static func main() throws {
        let count = CommandLine.arguments.dropFirst().first.flatMap(Int.init) ?? 200
        guard count > 0 else { return }
        let namespaces: Namespaces = [.mount, .uts, .ipc, .network]
        try namespaces.unshare()
        try Namespaces.makeMountsPrivate()
        try MountTree.filesystem("tmpfs", source: "bench").attach(to: try .open("/mnt", O_PATH), name: "/mnt")
        for folder in ["bin", "dev", "etc", "proc", "sys"] { try Files.makeDirectories("/mnt/image/" + folder) }
        for program in ["true", "sleep"] {
            try Files.replace(
                "/mnt/image/bin/" + program, with: try Files.read("/bin/busybox"), mode: 0o755, durable: false)
        }
        try Files.replace("/mnt/image/etc/passwd", with: "root:x:0:0::/root:/bin/sh\n".utf8, durable: false)
        let host = try CgroupHierarchy.detect()
        let parent = try Cgroup.create(Path.join(host.mountPoint, "swiftlet-bench-\(getpid())"))
        defer { try? parent.destroy(within: .seconds(5)) }
        try measure(count, in: parent)
    }

    static func measure(_ count: Int, in parent: Cgroup) throws {
        let device = try DeviceProgram(DeviceRule.containerDefault).load()
        var whole: [Nanoseconds] = []
        var executed: [Nanoseconds] = []
        var execs: [Nanoseconds] = []
        // The first ones fill caches.
        for number in -5..<count {
            let begin = BootInstant.now
            let (upper, work) = ("/mnt/u\(number)", "/mnt/w\(number)")
            try Files.makeDirectories(upper)
            try Files.makeDirectories(work)
            let cgroup = try parent.child("c\(number)", create: true)
            try DeviceProgram.attach(device, to: cgroup)
            let launch = try ContainerLauncher.launch(request(["/bin/true"], upper, work, cgroup))
            try waitUntilExecuted(launch)
            let middle = BootInstant.now
            _ = try launch.process.wait(block: true)
            while try !cgroup.remove() {}
            for folder in [work, upper] { try Files.removeTree(folder) }
            guard number >= 0 else { continue }
            whole.append(.now - begin)
            executed.append(middle - begin)
        }
        try Files.makeDirectories("/mnt/u")
        try Files.makeDirectories("/mnt/w")
        let cgroup = try parent.child("c", create: true)
        let container = request(["/bin/sleep", "1000"], "/mnt/u", "/mnt/w", cgroup)
        let running = try ContainerLauncher.launch(container)
        try waitUntilExecuted(running)
        for number in -5..<count {
            let begin = BootInstant.now
            var process = container.spec.process
            process.args = ["/bin/true"]
            var exec = ExecRequest(process: process, user: UserRequest(uid: 0, gid: 0, useImageGroups: false))
            exec.cgroup = cgroup.directory
            let launch = try ContainerLauncher.exec(in: running.process, exec)
            try waitUntilExecuted(launch)
            _ = try launch.process.wait(block: true)
            if number >= 0 { execs.append(.now - begin) }
        }
        try running.process.send(SIGKILL)
        _ = try running.process.wait(block: true)
        report("container_run", whole)
        report("container_start", executed)
        report("container_exec", execs)
    }

    static func waitUntilExecuted(_ launch: Launch) throws {
        var status = LaunchStatus()
        while true {
            switch status.receive(launch) {
            case .started: return
            case .failed(let error): throw error
            case nil:
                var poll = pollfd(fd: launch.status.raw, events: Int16(POLLIN), revents: 0)
                _ = CLinux.poll(&poll, 1, -1)
            }
        }
    }

    static func request(_ args: [String], _ upper: String, _ work: String, _ cgroup: Cgroup) -> ContainerRequest {
        let usual = ["nosuid", "noexec", "nodev"]
        var spec = RuntimeSpec()
        spec.process.args = args
        spec.process.env = ["PATH=/bin", "HOME=/"]
        spec.process.capabilities = RuntimeCapabilities(["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"])
        spec.process.noNewPrivileges = true
        spec.process.rlimits = [RuntimeRlimit(type: "RLIMIT_NOFILE", soft: 1024, hard: 1024)]
        spec.mounts = [
            RuntimeMount(destination: "/proc", type: "proc", source: "proc", options: usual),
            RuntimeMount(
                destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"]),
            RuntimeMount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            RuntimeMount(
                destination: "/dev/shm", type: "tmpfs", source: "shm", options: usual + ["mode=1777", "size=65536k"]),
            RuntimeMount(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: usual),
            RuntimeMount(destination: "/sys", type: "sysfs", source: "sysfs", options: usual + ["ro"]),
            RuntimeMount(destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: usual + ["ro"]),
        ]
        spec.root.readonly = true
        spec.linux.namespaces = [.init(.mount), .init(.pid), .init(.cgroup)]
        spec.linux.maskedPaths = [
            "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/scsi", "/proc/timer_list", "/sys/firmware",
        ]
        spec.linux.readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
        var request = ContainerRequest(
            id: "bench", spec: spec, root: .overlay(lower: ["/mnt/image"], upper: upper, work: work))
        request.cgroup = cgroup.directory
        return request
    }

    static func report(_ name: String, _ durations: [Nanoseconds]) {
        let sorted = durations.sorted()
        for (point, index) in [("p50", sorted.count / 2), ("p99", sorted.count * 99 / 100), ("min", 0)] {
            let hundredths = sorted[index].count / 10_000
            let fraction = String(hundredths % 100)
            print("BENCH \(name)_\(point) \(hundredths / 100).\(fraction.count < 2 ? "0" : "")\(fraction) ms")
        }
    }
}

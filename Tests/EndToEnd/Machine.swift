import Base
import CLinux
import Linux

/// Where the tests run, and what they run.
struct Machine {
    /// Folder of swiftletd, swiftlet and swiftlet-pod.
    var programs: String
    /// Folder of the image archives.
    var images: String
    /// Factor on time-outs.
    var scale: Int64
    /// Where cgroup v2 is mounted.
    var cgroupMount: String
    /// An empty folder in it for the agents' trees.
    var cgroup: String
    /// Whether nothing else makes mounts, links and supervisors here, as in the virtual machine, which gives a cgroup.
    var isOurs: Bool
    /// Whether cpu, memory and pids can be enforced there.
    var enforcesLimits: Bool

    static func fromEnvironment() throws -> Machine {
        guard geteuid() == 0 else { throw Failure("needs root") }
        guard let programs = environment("SWIFTLET_BIN"), let images = environment("SWIFTLET_IMAGES") else {
            throw Failure("SWIFTLET_BIN and SWIFTLET_IMAGES must name the folders of the programs and of the images")
        }
        let scale = environment("SWIFTLET_TIME_SCALE").flatMap { Int64($0) } ?? 1
        let mount = try findCgroupMount()
        let base = environment("SWIFTLET_CGROUP_ROOT") ?? mount
        let controllers = try Files.readText("\(base)/cgroup.controllers").split(separator: " ")
        let enforces = ["cpu", "memory", "pids"].allSatisfy { controllers.contains(Substring($0)) }
        if enforces { try Files.writeExisting("\(base)/cgroup.subtree_control", "+cpu +memory +pids") }
        let cgroup = "\(base)/swiftlet-e2e-\(getpid())"
        try Files.makeDirectories(cgroup)
        return Machine(
            programs: programs, images: images, scale: scale, cgroupMount: mount, cgroup: cgroup,
            isOurs: environment("SWIFTLET_CGROUP_ROOT") != nil, enforcesLimits: enforces)
    }

    func has(_ need: Need) -> Bool {
        switch need {
        case .limits: enforcesLimits
        case .plugins: access("/usr/lib/cni/host-local", X_OK) == 0
        case .nextVersion: Files.exists("\(nextPrograms)/swiftletd")
        case .registry: Files.exists("/usr/bin/docker-registry") && Files.exists("/usr/bin/skopeo")
        case .promtool: Files.exists("/usr/bin/promtool") && Files.exists("/usr/bin/curl")
        case .strace: Files.exists("/usr/bin/strace")
        case .projectQuotas:
            isOurs && Files.exists("/sbin/mke2fs")
                && (try? run("/sbin/modprobe", ["-n", "-q", "quota_v2"], timeout: .seconds(20)))?.status == 0
        // What python3-minimal lacks says whether more than that is there.
        case .python:
            ((try? Files.list("/usr/lib")) ?? []).contains {
                $0.hasPrefix("python3.") && Files.exists("/usr/lib/\($0)/http/server.py")
            }
        case .webSocket: Files.exists("/usr/lib/python3/dist-packages/websocket/__init__.py")
        case .appArmor: AppArmor().isEnabled && Files.exists("/usr/sbin/apparmor_parser")
        case .noAppArmor: !AppArmor().isEnabled
        case .nginx: Files.exists("/usr/sbin/nginx") && Files.exists("/usr/bin/openssl")
        }
    }

    /// Agent and supervisor as a release of the next protocol version would be (scripts/build next).
    var nextPrograms: String { "\(programs)/next" }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func findCgroupMount() throws -> String {
        for line in try Files.readText("/proc/self/mounts").split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count > 2, fields[2] == "cgroup2" { return String(fields[1]) }
        }
        throw Failure("no cgroup2 file system is mounted")
    }
}

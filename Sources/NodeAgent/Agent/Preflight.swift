import Base
import CLinux
import Cgroups
import Linux

/// What the agent needs of a machine, looked at before it starts (`swiftletd --check`).
public struct Preflight: Sendable {
    public enum Verdict: String, Sendable {
        case ok
        case warning
        case failed
    }

    public struct Finding: Sendable {
        public var name: String
        public var verdict: Verdict
        /// What was found and, unless all is well, what to do.
        public var detail: String
    }

    public private(set) var findings: [Finding] = []
    public private(set) var hierarchy: CgroupHierarchy?

    public var hasFailed: Bool { findings.contains { $0.verdict == .failed } }

    /// Looks at the machine.
    ///
    /// - Parameter acceptsUnenforced: `--limits=unenforced` was given.
    public init(paths: NodePaths, acceptsUnenforced: Bool) {
        checkUser()
        checkKernel()
        checkCgroups(acceptsUnenforced)
        checkFileSystem("overlay", needed: "container root file systems")
        checkSeccomp()
        checkAppArmor()
        checkNftables()
        checkSpace(paths)
    }

    /// A line a finding, for people.
    public var table: String {
        let width = findings.map(\.name.count).max() ?? 0
        return findings.map { finding in
            let name = finding.name + String(repeating: " ", count: width - finding.name.count)
            let verdict = finding.verdict.rawValue + String(repeating: " ", count: 7 - finding.verdict.rawValue.count)
            return "\(name)  \(verdict)  \(finding.detail)\n"
        }.joined()
    }

    /// Adds what was looked at elsewhere.
    public mutating func add(_ name: String, _ verdict: Verdict, _ detail: String) {
        findings.append(Finding(name: name, verdict: verdict, detail: detail))
    }

    private mutating func checkUser() {
        if geteuid() == 0 {
            add("user", .ok, "root")
        } else {
            add("user", .failed, "runs as user \(geteuid()); start it as root")
        }
    }

    private mutating func checkKernel() {
        let release = (try? Files.readText("/proc/sys/kernel/osrelease")) ?? "unknown"
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        if numbers.count == 2, (numbers[0], numbers[1]) >= (6, 1) {
            add("kernel", .ok, release)
        } else {
            add("kernel", .failed, "\(release) is older than 6.1; boot a newer kernel")
        }
    }

    private mutating func checkCgroups(_ acceptsUnenforced: Bool) {
        do {
            let found = try CgroupHierarchy.detect()
            hierarchy = found
            guard let complaint = found.complaint else {
                return add(
                    "cgroups", .ok, "cgroup v2 at \(found.mountPoint): \(found.controllers.joined(separator: " "))")
            }
            if acceptsUnenforced {
                add("cgroups", .warning, "limits are not enforced: \(complaint)")
            } else {
                add("cgroups", .failed, "\(complaint), or start with --limits=unenforced")
            }
        } catch {
            add("cgroups", .failed, "\(error); mount cgroup2 on /sys/fs/cgroup")
        }
    }

    private mutating func checkFileSystem(_ type: String, needed purpose: String) {
        let context = swl_fsopen(type, 0)
        if context >= 0 {
            close(context)
            add(type, .ok, "available")
        } else {
            add(type, .failed, "\(Errno.current); \(purpose) need it: modprobe \(type)")
        }
    }

    private mutating func checkSeccomp() {
        let missing = "the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)"
        do throws(SystemError) {
            let actions = try Files.readText("/proc/sys/kernel/seccomp/actions_avail")
            add(
                "seccomp", actions.contains("errno") ? .ok : .failed,
                actions.contains("errno") ? "filters available" : missing)
        } catch {
            add("seccomp", .failed, error.errno == .noEntry ? missing : "\(error)")
        }
    }

    private mutating func checkAppArmor() {
        guard AppArmor().isEnabled else {
            return add("apparmor", .ok, "not enabled in this kernel; pods that ask for a profile are refused")
        }
        if AppArmorParser().isInstalled {
            add("apparmor", .ok, "enabled; default profile \(DefaultAppArmorProfile.name)")
        } else {
            add(
                "apparmor", .warning,
                "enabled, but apparmor_parser is missing: containers that name no profile run without one; install the "
                    + "package apparmor")
        }
    }

    private mutating func checkNftables() {
        let socket = CLinux.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 12)
        if socket >= 0 {
            close(socket)
            add("nftables", .ok, "netfilter netlink available")
        } else {
            add("nftables", .warning, "\(Errno.current); pod networks will need it: modprobe nf_tables")
        }
    }

    private mutating func checkSpace(_ paths: NodePaths) {
        var folder = paths.root + "/var/lib/swiftlet"
        while !Files.isDirectory(folder), folder != "/" { folder = Path.parent(folder) }
        var status = statvfs()
        do throws(SystemError) {
            let opened = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
            let raw = opened.raw
            try retrying("fstatvfs", folder) { fstatvfs(raw, &status) }
        } catch {
            return add("space", .warning, "\(error)")
        }
        let free = (UInt64(status.f_bavail) &* UInt64(status.f_frsize)) >> 20
        if free < 100 {
            add("space", .failed, "\(free) MiB free at \(folder); images and pods need at least 100 MiB")
        } else if free < 1024 {
            add("space", .warning, "\(free) MiB free at \(folder)")
        } else {
            add("space", .ok, "\(free) MiB free at \(folder)")
        }
    }
}

import Base

/// The cgroup v2 hierarchy of this machine.
public struct CgroupHierarchy: Sendable, Hashable {
    /// What pods need of the kernel to be limited.
    public static let limiting = ["cpu", "memory", "pids"]

    /// Where it is mounted.
    public var mountPoint: String
    /// The controllers that its root has.
    public var controllers: [String]
    /// Controllers that sit on cgroup v1 instead. Empty on a machine with cgroup v2 alone.
    public var legacy: [String]

    public init(mountPoint: String, controllers: [String], legacy: [String] = []) {
        self.mountPoint = mountPoint
        self.controllers = controllers
        self.legacy = legacy
    }

    /// The limits that this machine cannot enforce.
    public var missing: [String] { Self.limiting.filter { !controllers.contains($0) } }

    /// What an operator is told about `missing`. Nil when nothing is missing.
    public var complaint: String? {
        guard !missing.isEmpty else { return nil }
        let onLegacy = missing.filter(legacy.contains)
        let names = missing.joined(separator: ", ")
        if onLegacy.isEmpty {
            return "the kernel offers no \(names) controller on the cgroup v2 hierarchy \(mountPoint); "
                + "build it in or remove cgroup_disable= from the kernel's command line"
        }
        return "the controllers \(names) sit on cgroup v1 (hybrid hierarchy), so these limits cannot be enforced; "
            + "boot with systemd.unified_cgroup_hierarchy=1 (or cgroup_no_v1=all)"
    }

    /// - Throws: `SystemError` when there is no cgroup v2 at all, or procfs cannot be read.
    public static func detect() throws(SystemError) -> CgroupHierarchy {
        let table = try Files.readText("/proc/self/mountinfo", limit: 16 << 20)
        guard var found = parse(mountInfo: table) else {
            throw SystemError("find a cgroup2 mount in", "/proc/self/mountinfo", .noEntry)
        }
        let controllers = try Files.readText(Path.join(found.mountPoint, "cgroup.controllers"))
        found.controllers = controllers.split(separator: " ").map(String.init)
        return found
    }

    /// Nil when no cgroup2 file system is mounted.
    static func parse(mountInfo: String) -> CgroupHierarchy? {
        var mountPoint: String?
        var legacy: [String] = []
        for line in mountInfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash + 3 < fields.count, fields.count > 4 else { continue }
            switch fields[dash + 1] {
            case "cgroup2":
                // The first one that shows the whole hierarchy is the system's own.
                if mountPoint == nil { mountPoint = unescape(fields[4]) }
            case "cgroup":
                for option in fields[dash + 3].split(separator: ",") where option != "rw" && option != "ro" {
                    if !option.hasPrefix("name="), option != "xattr" { legacy.append(String(option)) }
                }
            default: break
            }
        }
        return mountPoint.map { CgroupHierarchy(mountPoint: $0, controllers: [], legacy: legacy) }
    }

    /// Undoes the octal escapes of white space and backslash.
    private static func unescape(_ field: Substring) -> String {
        let bytes = Array(field.utf8)
        var out: [UInt8] = []
        var i = 0
        while i < bytes.count {
            if bytes[i] == 0x5C, i + 3 < bytes.count,
                let value = UInt8(String(decoding: bytes[(i + 1)...(i + 3)], as: UTF8.self), radix: 8)
            {
                out.append(value)
                i += 4
            } else {
                out.append(bytes[i])
                i += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

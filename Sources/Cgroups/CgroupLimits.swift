import Base

/// What a cgroup may use. Nil leaves the kernel's value.
public struct CgroupLimits: Sendable, Hashable {
    /// A number, or no limit.
    public enum Value: Sendable, Hashable, CustomStringConvertible {
        case unlimited
        case at(UInt64)

        public var description: String {
            switch self {
            case .unlimited: "max"
            case .at(let value): "\(value)"
            }
        }
    }

    /// 1 to 10000.
    public var cpuWeight: UInt64?
    /// Microseconds of CPU time a period of `cpuPeriod`.
    public var cpuQuota: Value?
    /// Microseconds, 1000 to 1000000.
    public var cpuPeriod: UInt64 = 100_000
    /// Microseconds of unused quota that may be kept.
    public var cpuBurst: UInt64?
    public var cpus: String?
    public var memoryNodes: String?
    /// Bytes; the kernel rounds down to pages.
    public var memoryMax: Value?
    public var memoryHigh: Value?
    public var memoryLow: UInt64?
    public var memoryMin: UInt64?
    /// Bytes of swap beside the memory.
    public var swapMax: Value?
    /// An out-of-memory kill takes all processes of the cgroup.
    public var oomGroup: Bool?
    /// Processes and threads.
    public var pidsMax: Value?
    /// Bytes by page size (`2MB`).
    public var hugepages: [String: UInt64] = [:]
    /// Further files and what is written to them; goes after the fields above.
    public var unified: [String: String] = [:]

    public init() {}

    /// One write.
    struct Write: Hashable {
        var file: String
        var value: String
        /// The file's controller, by its name's first part.
        var controller: String { String(file.prefix { $0 != "." }) }
    }

    /// The writes in their order.
    ///
    /// - Throws: `SystemError` (EINVAL) naming the field that is out of its range.
    func writes() throws(SystemError) -> [Write] {
        var list: [Write] = []
        func check(_ ok: Bool, _ field: String) throws(SystemError) {
            if !ok { throw SystemError("limit", field, .invalid) }
        }
        if let cpuWeight {
            try check((1...10000).contains(cpuWeight), "cpu.weight \(cpuWeight) (1 to 10000)")
            list.append(Write(file: "cpu.weight", value: "\(cpuWeight)"))
        }
        if let cpuQuota {
            try check((1000...1_000_000).contains(cpuPeriod), "cpu.max period \(cpuPeriod) (1000 to 1000000)")
            if case .at(let quota) = cpuQuota { try check(quota >= 1000, "cpu.max quota \(quota) (1000 or more)") }
            list.append(Write(file: "cpu.max", value: "\(cpuQuota) \(cpuPeriod)"))
        }
        if let cpuBurst { list.append(Write(file: "cpu.max.burst", value: "\(cpuBurst)")) }
        if let cpus { list.append(Write(file: "cpuset.cpus", value: cpus)) }
        if let memoryNodes { list.append(Write(file: "cpuset.mems", value: memoryNodes)) }
        if let memoryMin { list.append(Write(file: "memory.min", value: "\(memoryMin)")) }
        if let memoryLow { list.append(Write(file: "memory.low", value: "\(memoryLow)")) }
        if let memoryHigh { list.append(Write(file: "memory.high", value: "\(memoryHigh)")) }
        if let memoryMax { list.append(Write(file: "memory.max", value: "\(memoryMax)")) }
        if let swapMax { list.append(Write(file: "memory.swap.max", value: "\(swapMax)")) }
        if let oomGroup { list.append(Write(file: "memory.oom.group", value: oomGroup ? "1" : "0")) }
        if let pidsMax { list.append(Write(file: "pids.max", value: "\(pidsMax)")) }
        for (size, bytes) in hugepages.sorted(by: { $0.key < $1.key }) {
            try check(size.utf8.allSatisfy { $0 != 0x2F && $0 != 0x2E }, "hugetlb page size \(size)")
            list.append(Write(file: "hugetlb.\(size).max", value: "\(bytes)"))
        }
        for (file, value) in unified.sorted(by: { $0.key < $1.key }) {
            // `cgroup.*` files move processes and controllers: no limits.
            let plain = !file.hasPrefix("cgroup.") && file.contains(".") && !file.contains("/")
            try check(plain, "unified key \(file)")
            list.append(Write(file: file, value: value))
        }
        return list
    }

    /// Writes the limits and reads each back.
    ///
    /// - Parameter unenforced: controllers whose absence is accepted.
    /// - Returns: the files of those that were not written.
    /// - Throws: `SystemError` when a write fails, or (ERANGE) the kernel kept another value.
    @discardableResult
    public func apply(to cgroup: Cgroup, unenforced: [String] = []) throws(SystemError) -> [String] {
        var skipped: [String] = []
        for write in try writes() {
            if !cgroup.has(write.file) {
                // Without swap support there is no swap to limit.
                if write.file == "memory.swap.max", write.value == "0", cgroup.has("memory.max") { continue }
                if unenforced.contains(write.controller) {
                    skipped.append(write.file)
                    continue
                }
            }
            try cgroup.write(write.file, write.value)
            let kept = try cgroup.read(write.file)
            guard Self.holds(write, kept) else {
                throw SystemError(
                    "read back \(kept) after writing \(write.value) to", Path.join(cgroup.path, write.file),
                    Errno(rawValue: 34))
            }
        }
        return skipped
    }

    /// Whether `kept` is what was written, as the kernel writes it.
    static func holds(_ write: Write, _ kept: String) -> Bool {
        if kept == write.value { return true }
        switch write.controller {
        case "memory", "hugetlb":
            guard let wanted = UInt64(write.value) else { return false }
            if kept == "max" { return wanted >= UInt64(Int64.max) / 2 }
            // Rounded to pages, of 1 GiB at most.
            guard let value = UInt64(kept) else { return false }
            let page: UInt64 = write.controller == "memory" ? 65536 : 1 << 30
            return value <= wanted ? wanted - value < page : value - wanted < page
        case "cpuset": return Self.numbers(kept) != nil && Self.numbers(kept) == Self.numbers(write.value)
        case "cpu", "pids": return false
        // The other controllers' files have formats of their own; that the write succeeded must do.
        default: return true
        }
    }

    /// The numbers of a list as `0-3,6`; nil when it is none.
    static func numbers(_ list: String) -> Set<UInt32>? {
        var set: Set<UInt32> = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2, let first = UInt32(ends[0]), let last = ends.count == 2 ? UInt32(ends[1]) : first,
                first <= last, last < 65536
            else { return nil }
            set.formUnion(first...last)
        }
        return set
    }
}

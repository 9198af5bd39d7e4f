import Base

/// What a cgroup uses. Nil where its controller is missing.
public struct CgroupStatistics: Sendable, Hashable {
    public struct CPU: Sendable, Hashable {
        /// Microseconds.
        public var usage: UInt64
        public var user: UInt64
        public var system: UInt64
        /// Periods in which the cgroup had to wait for its quota; of `periods`.
        public var throttledPeriods: UInt64?
        public var periods: UInt64?
        public var throttled: UInt64?
    }

    public struct Memory: Sendable, Hashable {
        /// Bytes.
        public var current: UInt64
        public var peak: UInt64?
        /// `memory.stat` as it stands.
        public var stat: [String: UInt64]
        /// What cannot be given back easily: usage without inactive file pages.
        public var workingSet: UInt64 {
            let inactive = stat["inactive_file"] ?? 0
            return current > inactive ? current - inactive : 0
        }
    }

    public struct MemoryEvents: Sendable, Hashable {
        /// How often the limit was about to be exceeded, led to an out-of-memory state, and killed a process.
        public var max: UInt64
        public var oom: UInt64
        public var oomKill: UInt64
        public var oomGroupKill: UInt64
    }

    public var cpu: CPU?
    public var memory: Memory?
    public var pids: UInt64?
}

extension Cgroup {
    /// Reads the counters that this cgroup has.
    public func statistics() throws(SystemError) -> CgroupStatistics {
        var result = CgroupStatistics()
        if has("cpu.stat") {
            let values = Self.keyed(try read("cpu.stat"))
            result.cpu = .init(
                usage: values["usage_usec"] ?? 0, user: values["user_usec"] ?? 0, system: values["system_usec"] ?? 0,
                throttledPeriods: values["nr_throttled"], periods: values["nr_periods"],
                throttled: values["throttled_usec"])
        }
        if has("memory.current") {
            result.memory = .init(
                current: try number("memory.current"), peak: has("memory.peak") ? try number("memory.peak") : nil,
                stat: Self.keyed(try read("memory.stat")))
        }
        if has("pids.current") { result.pids = try number("pids.current") }
        return result
    }

    /// The memory events of this cgroup and its children; nil without the memory controller.
    public func memoryEvents() throws(SystemError) -> CgroupStatistics.MemoryEvents? {
        guard has("memory.events") else { return nil }
        let values = Self.keyed(try read("memory.events"))
        return .init(
            max: values["max"] ?? 0, oom: values["oom"] ?? 0, oomKill: values["oom_kill"] ?? 0,
            oomGroupKill: values["oom_group_kill"] ?? 0)
    }

    private func number(_ file: String) throws(SystemError) -> UInt64 {
        let text = try read(file)
        guard let value = UInt64(text) else {
            throw SystemError("read \"\(text)\" from", Path.join(path, file), .invalid)
        }
        return value
    }
}

import JSON

/// The limits of a container. Nil and empty mean that nothing is written.
public struct RuntimeResources: Sendable, Hashable {
    public struct Memory: Sendable, Hashable {
        /// Bytes; -1 means unlimited.
        public var limit: Int64?
        /// Bytes, `memory.low`.
        public var reservation: Int64?
        /// Bytes of memory and swap together; -1 means unlimited.
        public var swap: Int64?
        public init() {}
    }

    public struct CPU: Sendable, Hashable {
        public var shares: UInt64?
        /// Microseconds of CPU time a period; -1 means unlimited.
        public var quota: Int64?
        /// Microseconds.
        public var period: UInt64?
        public var burst: UInt64?
        /// `0-3,6`.
        public var cpus: String?
        public var mems: String?
        public init() {}
    }

    public struct HugepageLimit: Sendable, Hashable {
        /// `2MB`.
        public var pageSize: String
        /// Bytes.
        public var limit: UInt64
        public init(pageSize: String, limit: UInt64) {
            self.pageSize = pageSize
            self.limit = limit
        }
    }

    public var devices: [RuntimeDeviceRule]
    public var memory: Memory
    public var cpu: CPU
    /// Processes and threads; -1 means unlimited.
    public var pidsLimit: Int64?
    public var hugepageLimits: [HugepageLimit]
    /// cgroup v2 files and what is written to them.
    public var unified: [String: String]

    public init() {
        devices = []
        memory = Memory()
        cpu = CPU()
        hugepageLimits = []
        unified = [:]
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        self.init()
        let reader = try RuntimeReader(
            json, at: path, keys: ["devices", "memory", "cpu", "pids", "hugepageLimits", "unified"],
            refused: ["blockIO", "network", "rdma"])
        devices = try reader.list("devices") { (value, path) throws(JSONError) in
            try RuntimeDeviceRule(json: value, at: path)
        }
        if let value = reader["memory"] {
            let memory = try RuntimeReader(
                value, at: reader.join("memory"), keys: ["limit", "reservation", "swap"],
                refused: [
                    "kernel", "kernelTCP", "swappiness", "disableOOMKiller", "useHierarchy", "checkBeforeUpdate",
                ])
            self.memory.limit = try memory.int64("limit")
            self.memory.reservation = try memory.int64("reservation")
            self.memory.swap = try memory.int64("swap")
        }
        if let value = reader["cpu"] {
            let cpu = try RuntimeReader(
                value, at: reader.join("cpu"), keys: ["shares", "quota", "period", "burst", "cpus", "mems"],
                refused: ["realtimeRuntime", "realtimePeriod", "idle"])
            self.cpu.shares = try cpu.uint64("shares")
            self.cpu.quota = try cpu.int64("quota")
            self.cpu.period = try cpu.uint64("period")
            self.cpu.burst = try cpu.uint64("burst")
            self.cpu.cpus = try cpu.string("cpus")
            self.cpu.mems = try cpu.string("mems")
        }
        if let value = reader["pids"] {
            pidsLimit = try RuntimeReader(value, at: reader.join("pids"), keys: ["limit"]).int64("limit")
        }
        hugepageLimits = try reader.list("hugepageLimits") { (value, path) throws(JSONError) in
            let limit = try RuntimeReader(value, at: path, keys: ["pageSize", "limit"])
            return HugepageLimit(
                pageSize: try limit.required("pageSize", try limit.string("pageSize")),
                limit: try limit.required("limit", try limit.uint64("limit")))
        }
        unified = try reader.stringMap("unified")
    }

    /// Nil when there is nothing to write.
    var json: JSONValue? {
        var object = JSONObject()
        if !devices.isEmpty { object.append("devices", .array(devices.map(\.json))) }
        var memory = JSONObject()
        memory.append("limit", ifPresent: self.memory.limit.map { .integer($0) })
        memory.append("reservation", ifPresent: self.memory.reservation.map { .integer($0) })
        memory.append("swap", ifPresent: self.memory.swap.map { .integer($0) })
        if !memory.isEmpty { object.append("memory", .object(memory)) }
        var cpu = JSONObject()
        cpu.append("shares", ifPresent: self.cpu.shares.map { .unsigned($0) })
        cpu.append("quota", ifPresent: self.cpu.quota.map { .integer($0) })
        cpu.append("period", ifPresent: self.cpu.period.map { .unsigned($0) })
        cpu.append("burst", ifPresent: self.cpu.burst.map { .unsigned($0) })
        cpu.append("cpus", ifPresent: self.cpu.cpus.map { .string($0) })
        cpu.append("mems", ifPresent: self.cpu.mems.map { .string($0) })
        if !cpu.isEmpty { object.append("cpu", .object(cpu)) }
        if let pidsLimit { object.append("pids", ["limit": .integer(pidsLimit)]) }
        if !hugepageLimits.isEmpty {
            object.append(
                "hugepageLimits",
                .array(hugepageLimits.map { ["pageSize": .string($0.pageSize), "limit": .unsigned($0.limit)] }))
        }
        object.append("unified", ifPresent: .nonEmpty(unified))
        return object.isEmpty ? nil : .object(object)
    }
}

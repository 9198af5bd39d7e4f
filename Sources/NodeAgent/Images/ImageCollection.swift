import Base

/// Which images are to go, as the kubelet's image garbage collection decides it. A pure value.
public struct ImageCollection: Hashable, Sendable {
    /// What an operator sets.
    public struct Policy: Hashable, Sendable {
        /// Percent of the file system from which on images are removed; 100 for never.
        public var high: Int64 = 85
        /// Percent down to which they are removed then.
        public var low: Int64 = 80
        /// Younger ones stay.
        public var minimumAge = Nanoseconds.seconds(120)
        /// Those that nobody has used for longer go, however much room there is; zero for no such limit.
        public var maximumAge = Nanoseconds.seconds(0)

        public init() {}
    }

    /// The file system of the store.
    public struct Disk: Hashable, Sendable {
        public var capacity: Int64
        public var available: Int64

        public init(capacity: Int64, available: Int64) {
            self.capacity = capacity
            self.available = available
        }

        /// Percent in use.
        public var usage: Int64 {
            100 - Int64((Double(min(available, capacity)) / Double(max(capacity, 1)) * 100).rounded(.down))
        }
    }

    /// An image that no pod uses or names, and that no archive in the import folder brings.
    public struct Candidate: Hashable, Sendable {
        public var id: String
        public var imported: Timestamp
        public var lastUsed: Timestamp

        public init(id: String, imported: Timestamp, lastUsed: Timestamp) {
            self.id = id
            self.imported = imported
            self.lastUsed = lastUsed
        }
    }

    public var policy: Policy
    public var now: Timestamp

    public init(_ policy: Policy, now: Timestamp) {
        self.policy = policy
        self.now = now
    }

    /// Those that nobody has used for too long.
    public func expired(_ candidates: [Candidate]) -> [Candidate] {
        guard policy.maximumAge.count > 0 else { return [] }
        return removable(candidates).filter { age(max($0.lastUsed, $0.imported)) > policy.maximumAge.count }
    }

    /// Bytes that are to be freed; nil when there is room enough.
    public func excess(_ disk: Disk) -> Int64? {
        guard disk.usage >= policy.high, policy.high < 100 else { return nil }
        let wanted = Int64(Double(disk.capacity) * Double(100 - policy.low) / 100)
        return max(0, wanted - disk.available)
    }

    /// Those that may go, the one that was used longest ago first.
    public func removable(_ candidates: [Candidate]) -> [Candidate] {
        candidates.filter { age($0.imported) >= policy.minimumAge.count }
            .sorted { ($0.lastUsed, $0.imported, $0.id) < ($1.lastUsed, $1.imported, $1.id) }
    }

    private func age(_ time: Timestamp) -> Int64 { now.nanoseconds - time.nanoseconds }
}

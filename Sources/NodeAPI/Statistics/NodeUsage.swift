import Base

/// What the node, its pods and their containers use, read at one time. Nil where the kernel does not count it here.
public struct NodeUsage: Sendable {
    /// What one cgroup, or the whole machine, uses.
    public struct Resources: Sendable {
        /// Of one CPU, since the cgroup was made: nanoseconds.
        public var cpu: UInt64?
        /// Bytes, with the cache of files.
        public var memory: UInt64?
        /// Bytes that cannot be given back easily: `memory` without inactive file pages.
        public var workingSet: UInt64?
        /// Bytes of anonymous memory.
        public var resident: UInt64?
        public var pageFaults: UInt64?
        public var majorPageFaults: UInt64?
        public var processes: UInt64?
        /// Periods in which it had to wait for its CPU quota, of `cpuPeriods`, and for how many nanoseconds.
        public var throttledPeriods: UInt64?
        public var cpuPeriods: UInt64?
        public var throttled: UInt64?
        /// Processes that were killed for want of memory.
        public var killedForMemory: UInt64?

        public init() {}
    }

    public struct Container: Sendable {
        public var name: String
        public var started: Timestamp
        public var image: String
        public var id: String
        public var resources: Resources
        /// What it has written: its own layer, and its logs. Nil when that was not asked for.
        public var rootFolder: DiskUsage?
        public var logs: DiskUsage?

        public init(name: String, started: Timestamp, image: String, id: String, resources: Resources) {
            self.name = name
            self.started = started
            self.image = image
            self.id = id
            self.resources = resources
        }
    }

    public struct Pod: Sendable {
        public var namespace: String
        public var name: String
        public var uid: String
        public var started: Timestamp
        public var resources: Resources
        /// Those that run.
        public var containers: [Container]
        /// Volumes that live and end with it, by name.
        public var volumes: [(name: String, usage: DiskUsage)] = []

        public init(
            namespace: String, name: String, uid: String, started: Timestamp, resources: Resources,
            containers: [Container]
        ) {
            self.namespace = namespace
            self.name = name
            self.uid = uid
            self.started = started
            self.resources = resources
            self.containers = containers
        }
    }

    /// A file system: bytes and inodes.
    public struct FileSystem: Sendable {
        public var capacity: UInt64
        public var available: UInt64
        public var used: UInt64
        public var inodes: UInt64
        public var freeInodes: UInt64

        public init(capacity: UInt64, available: UInt64, used: UInt64, inodes: UInt64, freeInodes: UInt64) {
            self.capacity = capacity
            self.available = available
            self.used = used
            self.inodes = inodes
            self.freeInodes = freeInodes
        }
    }

    public var nodeName: String
    public var time: Timestamp
    /// The same moment on the clock that nobody sets.
    public var instant: BootInstant
    /// When the machine was started.
    public var booted: Timestamp
    public var resources: Resources
    /// Bytes of memory that are free, or free at once.
    public var availableMemory: UInt64?
    /// That of the pods' files, and that of the images.
    public var fileSystem: FileSystem?
    public var imageFileSystem: FileSystem?
    public var pods: [Pod]

    public init(
        nodeName: String, time: Timestamp, instant: BootInstant, booted: Timestamp, resources: Resources,
        availableMemory: UInt64?, fileSystem: FileSystem?, imageFileSystem: FileSystem?, pods: [Pod]
    ) {
        self.nodeName = nodeName
        self.time = time
        self.instant = instant
        self.booted = booted
        self.resources = resources
        self.availableMemory = availableMemory
        self.fileSystem = fileSystem
        self.imageFileSystem = imageFileSystem
        self.pods = pods
    }
}

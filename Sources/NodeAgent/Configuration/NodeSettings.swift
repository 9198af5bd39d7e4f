import Base
import CNITypes

/// What an operator sets for a node, on the command line or in its configuration file. Nil is not set.
public struct NodeSettings: Hashable, Sendable {
    public var nodeName: String?
    /// Below the mount point of cgroup v2.
    public var cgroupRoot: String?
    /// Start though the kernel cannot enforce cpu, memory and pids limits.
    public var acceptsUnenforcedLimits: Bool?
    /// SIGTERM ends the pods, too.
    public var drainsOnExit: Bool?
    public var logLevel: Log.Level?
    /// Processes a pod may have; -1 for no limit.
    public var podPIDLimit: Int64?
    /// Pods that run at a time.
    public var maxPods: Int64?
    /// Bytes that stay free on the disk; nil for the default, which goes by its size.
    public var minimumFreeDisk: Int64?
    /// The longest time that a container which ends again and again is held back.
    public var longestBackOff: Nanoseconds?
    /// The folder of manifests, below the root prefix.
    public var manifestFolder: String?

    /// The addresses of pods in the built-in network.
    public var podRange: IPPrefix?
    /// Put rules into the chains of other programs that would drop the built-in network's packets.
    public var opensFirewall: Bool?

    /// The DNS servers of the cluster, and what names in it end with.
    public var clusterDNS: [String]?
    public var clusterDomain: String?

    /// Kernel parameters that pods may set beside the safe ones.
    public var allowedUnsafeSysctls: [String]?

    /// When images are removed to make room: percent of the store's file system.
    public var imageGCHigh: Int64?
    public var imageGCLow: Int64?
    public var imageMinimumAge: Nanoseconds?
    public var imageMaximumAge: Nanoseconds?

    /// Where pods are asked for beside the folder, and how often.
    public var podsEndpoint = EndpointSettings()
    public var podsInterval: Nanoseconds?
    /// Where the status of pods is sent.
    public var statusEndpoint = EndpointSettings()

    public init() {}

    /// Whether pods can have their addresses of it: a network of 8 addresses or more.
    public static func isPodRange(_ range: IPPrefix) -> Bool {
        range.isNetwork && range.length <= (range.isIPv6 ? 112 : 29)
    }

    /// Whether names can end with it: labels of lower-case letters, digits and inner dashes, with dots between.
    static func isDomain(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
                let dash = UInt8(ascii: "-")
                return (1...63).contains(label.count) && label.first != dash && label.last != dash
                    && label.allSatisfy { 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || $0 == dash }
            }
    }

    /// These settings, and where they set nothing, `others`.
    public func or(_ others: NodeSettings) -> NodeSettings {
        var result = self
        result.nodeName = nodeName ?? others.nodeName
        result.cgroupRoot = cgroupRoot ?? others.cgroupRoot
        result.acceptsUnenforcedLimits = acceptsUnenforcedLimits ?? others.acceptsUnenforcedLimits
        result.drainsOnExit = drainsOnExit ?? others.drainsOnExit
        result.logLevel = logLevel ?? others.logLevel
        result.podPIDLimit = podPIDLimit ?? others.podPIDLimit
        result.maxPods = maxPods ?? others.maxPods
        result.minimumFreeDisk = minimumFreeDisk ?? others.minimumFreeDisk
        result.longestBackOff = longestBackOff ?? others.longestBackOff
        result.manifestFolder = manifestFolder ?? others.manifestFolder
        result.podRange = podRange ?? others.podRange
        result.opensFirewall = opensFirewall ?? others.opensFirewall
        result.clusterDNS = clusterDNS ?? others.clusterDNS
        result.clusterDomain = clusterDomain ?? others.clusterDomain
        result.allowedUnsafeSysctls = allowedUnsafeSysctls ?? others.allowedUnsafeSysctls
        result.imageGCHigh = imageGCHigh ?? others.imageGCHigh
        result.imageGCLow = imageGCLow ?? others.imageGCLow
        result.imageMinimumAge = imageMinimumAge ?? others.imageMinimumAge
        result.imageMaximumAge = imageMaximumAge ?? others.imageMaximumAge
        result.podsEndpoint = podsEndpoint.or(others.podsEndpoint)
        result.podsInterval = podsInterval ?? others.podsInterval
        result.statusEndpoint = statusEndpoint.or(others.statusEndpoint)
        return result
    }

    /// What makes no sense together, of the file and the command line.
    public var problems: [ConfigurationError.Issue] {
        let policy = imageCollection
        let thresholds =
            policy.low < policy.high
            ? nil
            : "imageGCLowThresholdPercent: \(policy.low) is not below imageGCHighThresholdPercent, which is "
                + "\(policy.high)"
        return [podsEndpoint.problem("podsURL"), statusEndpoint.problem("statusURL"), thresholds]
            .compactMap { $0 }.map { .init($0) }
    }

    /// When images are removed.
    public var imageCollection: ImageCollection.Policy {
        var policy = ImageCollection.Policy()
        if let imageGCHigh { policy.high = imageGCHigh }
        if let imageGCLow { policy.low = imageGCLow }
        if let imageMinimumAge { policy.minimumAge = imageMinimumAge }
        if let imageMaximumAge { policy.maximumAge = imageMaximumAge }
        return policy
    }

    /// The fields that a running agent cannot change, of those in which `other` differs, as the file names them.
    public func needingRestart(for other: NodeSettings) -> [String] {
        ConfigurationField.all.filter { $0.needsRestart && $0.value(self) != $0.value(other) }.map(\.name)
    }

    /// What holds where nothing is set.
    public enum Default {
        public static let logLevel = Log.Level.info
        public static let podPIDLimit: Int64 = 4096
        /// The kubelet's.
        public static let maxPods: Int64 = 110
        /// The kubelet's.
        public static let podsInterval = Nanoseconds.seconds(20)
        /// With the instance's suffix behind it where the agent has a root prefix.
        public static let cgroupRoot = "/swiftlet"
    }

    /// What holds where nothing is set, on this machine.
    public static func defaults(nodeName: String, cgroupRoot: String, manifestFolder: String) -> NodeSettings {
        var settings = NodeSettings()
        settings.nodeName = nodeName
        settings.cgroupRoot = cgroupRoot
        settings.acceptsUnenforcedLimits = false
        settings.drainsOnExit = false
        settings.logLevel = Default.logLevel
        settings.podPIDLimit = Default.podPIDLimit
        settings.maxPods = Default.maxPods
        settings.longestBackOff = CrashLoopBackOff.longest
        settings.manifestFolder = manifestFolder
        settings.podRange = BuiltInNetwork.defaultRange
        settings.opensFirewall = false
        settings.clusterDomain = "cluster.local"
        let policy = settings.imageCollection
        (settings.imageGCHigh, settings.imageGCLow) = (policy.high, policy.low)
        (settings.imageMinimumAge, settings.imageMaximumAge) = (policy.minimumAge, policy.maximumAge)
        settings.podsInterval = Default.podsInterval
        return settings
    }
}

import OCI
import PodProtocol

/// A container as it will be made: what the supervisor is told, and what the agent prepares before.
public struct ContainerPlan: Hashable, Sendable {
    /// Which seccomp program the agent compiles.
    public enum Seccomp: Hashable, Sendable {
        /// The default profile for these capabilities.
        case runtimeDefault(capabilities: [String])
        case unconfined
        /// The profile of this file below the node's folder of profiles, for these capabilities.
        case localhost(profile: String, capabilities: [String])
    }

    /// Which AppArmor profile the container is under.
    public enum AppArmor: Hashable, Sendable {
        case unconfined
        /// The node's own profile; not `isAsked`: where there is none, the container runs without.
        case runtimeDefault(isAsked: Bool)
        /// The profile of this name in the kernel.
        case localhost(String)
    }

    public var container: String
    public var spec: RuntimeSpec
    /// Folders of the image, the topmost first.
    public var layers: [String]
    public var user: StartContainer.User
    public var seccomp: Seccomp
    public var appArmor = AppArmor.unconfined
    public var stopSignal: Int32
    /// Standard input stays open for those who attach; with `standardInputOnce` until the first one's ends.
    public var standardInput = false
    public var standardInputOnce = false
    /// The container whose pid namespace it joins.
    public var pidTarget: String?
    /// Parts of volumes that the agent binds on the host before, as the spec's mounts name their places there.
    public var subPaths: [SubPathMount] = []
    /// The folder of this attempt: its `upper` and `work` are made by the agent.
    public var attemptFolder: String
    public var attempt: Int
    public var logPath: String

    /// The most bytes that its writable layer may take; nil for as much as there is.
    public var writableLimit: Int64?
    public var upper: String { attemptFolder + "/upper" }
    public var work: String { attemptFolder + "/work" }

    /// The request to the supervisor.
    ///
    /// - Parameters:
    ///   - id: the attempt's own name.
    ///   - seccompProgram: the compiled program's file; nil for none.
    ///   - appArmorProfile: the profile's name in the kernel; nil for none.
    ///   - cgroup: the folder of the container's cgroup.
    public func start(
        id: String, seccompProgram: String?, appArmorProfile: String? = nil, cgroup: String?,
        log: LogLimits = LogLimits()
    ) -> StartContainer {
        var spec = spec
        spec.process.apparmorProfile = appArmorProfile
        return StartContainer(
            container: container, attempt: Int64(attempt), id: id, spec: spec.json,
            root: .overlay(lower: layers, upper: upper, work: work), user: user, seccompProgram: seccompProgram,
            cgroup: cgroup,
            log: .init(path: logPath, maximumBytes: log.maximumBytes, maximumFiles: log.maximumFiles),
            standardInput: standardInput, standardInputOnce: standardInputOnce, terminal: spec.process.terminal,
            stopSignal: stopSignal, pidTarget: pidTarget)
    }

    /// A part of a volume, and where it is bound.
    public struct SubPathMount: Hashable, Sendable {
        /// The volume's name and place.
        public var volume: String
        public var source: String
        /// Relative to `source`.
        public var path: String
        /// In the pod's folder.
        public var target: String
        /// The volume is an image's: what is not there is not made.
        public var isReadOnly = false
    }

    /// The bounds of a container's log: the kubelet's defaults.
    public struct LogLimits: Hashable, Sendable {
        public var maximumBytes: Int64
        public var maximumFiles: Int64
        public init(maximumBytes: Int64 = 10 << 20, maximumFiles: Int64 = 5) {
            self.maximumBytes = maximumBytes
            self.maximumFiles = maximumFiles
        }
    }
}

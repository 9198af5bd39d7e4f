import Base
import Kube

/// The part of a pod's spec that decides what runs when.
public struct PodPlan: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public var name: String
        public var image: String
        public var probes: ContainerProbes
        /// The hooks it has.
        public var hooks: Set<Hook>
        /// Replaces the pod's; of an init container, `always` makes it a sidecar.
        public var restartPolicy: RestartPolicy?
        /// Ends after which it runs again whatever the policy says.
        public var restartRules: [ContainerRestartRule]
        public init(
            name: String, image: String, probes: ContainerProbes = ContainerProbes(), hooks: Set<Hook> = [],
            restartPolicy: RestartPolicy? = nil, restartRules: [ContainerRestartRule] = []
        ) {
            self.name = name
            self.image = image
            self.probes = probes
            self.hooks = hooks
            self.restartPolicy = restartPolicy
            self.restartRules = restartRules
        }
    }

    public enum RestartPolicy: String, Hashable, Sendable {
        case always = "Always"
        case onFailure = "OnFailure"
        case never = "Never"

        /// Whether a run that ended with `exitCode` is followed by another.
        func restarts(after exitCode: Int32, isInit: Bool) -> Bool {
            switch self {
            case .always: !isInit || exitCode != 0
            case .onFailure: exitCode != 0
            case .never: false
            }
        }
    }

    /// The container's entry.
    func entry(_ name: String) -> Entry? { (initContainers + containers).first { $0.name == name } }

    /// Takes the images of `spec`, which has the same containers.
    mutating func setImages(of spec: PodSpec) {
        for (i, container) in spec.initContainers.enumerated() { initContainers[i].image = container.image }
        for (i, container) in spec.containers.enumerated() { containers[i].image = container.image }
    }

    /// `name_namespace(uid)`, as the kubelet's messages name a pod.
    public var display: String
    public var restartPolicy: RestartPolicy
    /// Run one after the other, each to success, before any of `containers`.
    public var initContainers: [Entry]
    public var containers: [Entry]
    /// How long the pod may be active; nil for as long as it likes.
    public var activeDeadline: Nanoseconds?
    /// How long its containers have to end when they are not told otherwise.
    public var grace = Nanoseconds.seconds(30)
    /// The longest time that a container is held back before its next run.
    public var longestBackOff = CrashLoopBackOff.longest

    public init(
        display: String, restartPolicy: RestartPolicy, initContainers: [Entry] = [], containers: [Entry]
    ) {
        self.display = display
        self.restartPolicy = restartPolicy
        self.initContainers = initContainers
        self.containers = containers
    }
}

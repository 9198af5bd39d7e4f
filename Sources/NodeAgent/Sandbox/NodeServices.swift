import Base
import HTTPClient
import Images
import PodRuntime

/// What the pods of a node share.
@LoopActor
public final class NodeServices {
    public let loop: EventLoop
    public let pool: BlockingPool
    public let log: Log
    public let paths: NodePaths
    public let facts: NodeFacts
    public let cgroups: NodeCgroups
    public let volumes: PodVolumes
    public let networks: PodNetworks
    public let images: ImageStore
    public let objects: NodeObjects
    /// Which pods have claims that one pod at a time may have.
    public let claimUses = ClaimUses()
    /// For probes over HTTPS.
    let probeTrust = UnverifiedTLS()
    /// Nil where this node does not pull.
    public var puller: (any ImagePuller)?
    public let seccomp: SeccompPrograms
    let appArmor: AppArmorProfiles
    public let supervisor: SupervisorExecutable
    /// The kernel parameters that pods may set.
    public var sysctls = SysctlPolicy()
    /// The room that is kept free on the disk.
    public var diskFloor = DiskFloor()
    /// Processes a pod may have; nil for no limit.
    public var podPIDLimit: Int64?
    /// Pods are only taken up in order to be ended: no sandbox is made.
    public var onlyEndsPods = false

    public init(
        loop: EventLoop, pool: BlockingPool, log: Log, paths: NodePaths, facts: NodeFacts, cgroups: NodeCgroups,
        networks: PodNetworks, images: ImageStore, seccomp: SeccompPrograms, supervisor: SupervisorExecutable,
        podPIDLimit: Int64?
    ) {
        self.loop = loop
        self.pool = pool
        self.log = log
        self.paths = paths
        self.facts = facts
        self.cgroups = cgroups
        volumes = PodVolumes(pods: paths.pods, journal: paths.mounts)
        objects = NodeObjects(store: paths.claims, labels: facts.labels)
        objects.onTrouble = { log.error("\($0)") }
        self.networks = networks
        self.images = images
        self.seccomp = seccomp
        appArmor = AppArmorProfiles(folder: paths.appArmor, pool: pool)
        self.supervisor = supervisor
        self.podPIDLimit = podPIDLimit
    }
}

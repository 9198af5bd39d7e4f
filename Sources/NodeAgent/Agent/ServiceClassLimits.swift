import Base
import Cgroups
import Kube
import PodRuntime

/// Keeps the limits of the cgroups above the pods: what the node gives to pods at all, and the share of each class of
/// service, which follows from the pods that are there.
@LoopActor
public final class ServiceClassLimits {
    private let cgroups: NodeCgroups
    private let pool: BlockingPool
    private let log: Log
    private var written: [QOSClass: CgroupLimits] = [:]

    public init(_ cgroups: NodeCgroups, pool: BlockingPool, log: Log) {
        self.cgroups = cgroups
        self.pool = pool
        self.log = log
    }

    /// Writes what the node gives to pods.
    public func start(_ facts: NodeFacts) {
        write(PodCgroupPlan.rootLimits(facts), to: PodCgroupPlan.root)
    }

    /// Writes the classes' shares when they have changed.
    public func update(_ pods: [Pod]) {
        let resources = pods.map { PodResources($0.spec) }
        for qosClass in [QOSClass.burstable, .bestEffort] {
            let limits = PodCgroupPlan.limits(of: qosClass, pods: resources)
            guard written[qosClass] != limits else { continue }
            written[qosClass] = limits
            write(limits, to: PodCgroupPlan.folder(of: qosClass))
        }
    }

    private func write(_ limits: CgroupLimits, to folder: String) {
        let (path, unenforced) = (Path.join(cgroups.root.path, folder), cgroups.unenforced)
        pool.submit { [log] in
            do throws(SystemError) {
                _ = try limits.apply(to: try Cgroup.open(path), unenforced: unenforced)
            } catch {
                log.error("the share of \(folder) is not set: \(error)")
            }
        }
    }
}

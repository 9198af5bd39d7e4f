import Base
import Cgroups

/// The agent's part of the cgroup tree: `<root>/{supervisors/<id>,kubepods/{,burstable/,besteffort/}pod<uid>}`.
public struct NodeCgroups: Sendable {
    public let hierarchy: CgroupHierarchy
    /// Limits of pods that this kernel cannot enforce; empty where all is enforced.
    public let unenforced: [String]
    public let root: Cgroup
    public let kubepods: Cgroup
    public let supervisors: Cgroup

    /// Opens, and where needed makes, the tree.
    ///
    /// - Parameter path: below the hierarchy's mount point; its controllers are given on to the pods.
    public init(_ hierarchy: CgroupHierarchy, path: String) throws(SystemError) {
        self.hierarchy = hierarchy
        unenforced = hierarchy.missing
        let wanted = CgroupHierarchy.limiting
        var cgroup = try Cgroup.open(hierarchy.mountPoint)
        for component in Path.components(path) {
            try cgroup.delegateControllers(wanted)
            cgroup = try cgroup.child(String(component), create: true)
        }
        root = cgroup
        try root.delegateControllers(wanted)
        supervisors = try root.child("supervisors", create: true)
        kubepods = try root.child("kubepods", create: true)
        try kubepods.delegateControllers(wanted)
        for tier in ["burstable", "besteffort"] {
            try kubepods.child(tier, create: true).delegateControllers(wanted)
        }
    }

    /// A path below the root as processes and plugins name it: below the mount point.
    func pathBelowMount(_ path: String) -> String {
        let full = Path.join(root.path, path)
        return full.hasPrefix(hierarchy.mountPoint) ? String(full.dropFirst(hierarchy.mountPoint.utf8.count)) : full
    }

    /// Removes the tree when nothing runs in it.
    public func removeIfEmpty() {
        _ = try? root.remove()
    }
}

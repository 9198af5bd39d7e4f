import Base
import Cgroups
import JSON
import PodProtocol
import PodSources

/// What can be seen of a pod instance without its record.
@LoopActor
public struct InstanceSurvey {
    private let root: String
    private let paths: NodePaths

    /// - Parameter cgroupRoot: the folder of the agent's cgroups.
    public init(cgroupRoot: String, paths: NodePaths) {
        root = cgroupRoot
        self.paths = paths
    }

    /// Whether a process of its containers runs. A supervisor alone is no running pod.
    public func isRunning(_ uid: String) -> Bool {
        ["kubepods", "kubepods/burstable", "kubepods/besteffort"].contains { tier in
            let path = Path.join(Path.join(root, tier), "pod" + uid)
            guard Files.isDirectory(path), let cgroup = try? Cgroup.open(path) else { return false }
            // What cannot be looked at may run.
            return (try? cgroup.events().populated) ?? true
        }
    }

    /// The pod that the instance is of: as its supervisor was told, or as its logs are called.
    public func key(_ uid: String) -> PodKey? {
        if let bytes = try? Files.read(PodConfiguration.path(runFolder: paths.runPod(uid)), limit: 1 << 20),
            let name = (try? JSONParser.parse(bytes))?["name"]?.stringValue
        {
            let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            if parts.count == 2 { return PodKey(namespace: parts[0], name: parts[1]) }
        }
        for folder in (try? Files.list(paths.logs)) ?? [] {
            // `<namespace>_<name>_<uid>`: none of them has an underscore.
            let parts = folder.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
            if parts.count == 3, parts[2] == uid { return PodKey(namespace: parts[0], name: parts[1]) }
        }
        return nil
    }
}

import Base
import Cgroups
import PodRuntime

/// Finds and releases what pods left behind that no record names.
@LoopActor
struct SandboxSweep {
    private let node: NodeServices

    init(_ node: NodeServices) { self.node = node }

    /// Kills, unmounts and removes everything of pods that are not `known`. Blocks: for the agent's start.
    func leftovers(known: Set<String>) -> (released: [String], failures: [String]) {
        var released: Set<String> = []
        var failures: [String] = []
        func attempt(_ uid: String, _ work: () throws -> Void) {
            do {
                try work()
                released.insert(uid)
            } catch {
                failures.append("what is left of pod \(uid) cannot be released: \(error)")
            }
        }
        for tier in ["supervisors", "kubepods", "kubepods/burstable", "kubepods/besteffort"] {
            let folder = Path.join(node.cgroups.root.path, tier)
            guard let names = try? Files.list(folder) else { continue }
            for name in names {
                let isPod = name.hasPrefix("pod")
                let uid = tier == "supervisors" ? name : String(name.dropFirst(3))
                let path = Path.join(folder, name)
                guard tier == "supervisors" || isPod, Files.isDirectory(path), !known.contains(uid) else { continue }
                attempt(uid) { try Cgroup.open(path).destroy(within: .seconds(10)) }
            }
        }
        for uid in (try? Files.list(node.paths.runPods)) ?? [] where !known.contains(uid) {
            attempt(uid) { try Files.removeTree(node.paths.runPod(uid)) }
        }
        failures += node.volumes.sweep(known: known).map { "\($0)" }
        for name in (try? Files.list(node.paths.logs)) ?? [] {
            // `<namespace>_<name>_<uid>`: neither names nor UIDs have an underscore.
            guard let uid = name.split(separator: "_").last.map(String.init), !known.contains(uid) else { continue }
            attempt(uid) { try Files.removeTree(Path.join(node.paths.logs, name)) }
        }
        return (released.sorted(), failures)
    }
}

import Base
import CLinux

/// Everything of a node that pods come and go with, as lines: files, cgroups, mounts and processes. Two snapshots of a
/// node with the same pods are equal.
struct Snapshot {
    var lines: Set<String>

    init(_ node: Node) throws {
        lines = []
        for folder in ["/run/swiftlet", "/var/lib/swiftlet", "/var/log/pods", "/etc/podspecs"] {
            add(node.root + folder, "file \(folder)")
        }
        add(node.cgroup, "cgroup ", foldersOnly: true)
        for mention in LeakCount.mentions(of: node.root) {
            let words = mention.split(separator: " ", maxSplits: 2).map(String.init)
            guard words.count == 3, words[0] == "process" else {
                lines.insert(mention)
                continue
            }
            if words[1] == "\(node.agentPID)" || words[2].hasPrefix("/usr/bin/strace ") { continue }
            // A process counts as what it is, not by its number.
            lines.insert("process \(words[2])")
        }
    }

    private mutating func add(_ folder: String, _ prefix: String, foldersOnly: Bool = false) {
        for name in (try? Files.list(folder)) ?? [] {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            let isFolder = swl_is_dir(status.st_mode)
            if !isFolder && foldersOnly { continue }
            lines.insert("\(prefix)/\(name)")
            // What a pod writes for itself, and the images' content, are of no interest.
            if isFolder, name != "layers" { add(path, "\(prefix)/\(name)", foldersOnly: foldersOnly) }
        }
    }

    /// What is here and not in `before`.
    func added(since before: Snapshot) -> [String] { lines.subtracting(before.lines).sorted() }
    func removed(since before: Snapshot) -> [String] { before.lines.subtracting(lines).sorted() }
}

/// Open descriptors of a process.
func descriptorCount(_ pid: pid_t) -> Int { ((try? Files.list("/proc/\(pid)/fd")) ?? []).count }

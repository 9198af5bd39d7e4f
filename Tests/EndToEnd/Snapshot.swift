import Base
import CLinux

/// Everything of a node that pods come and go with, as lines and how often each is there: files, leases with their
/// owners, cgroups, mounts, processes, and the network that the tests have for themselves. Two snapshots of a node with
/// the same pods are equal.
struct Snapshot {
    private var lines: [String: Int] = [:]

    init(_ node: Node) throws {
        for folder in ["/run/swiftlet", "/var/lib/swiftlet", "/var/log/pods", "/etc/podspecs"] {
            add(node.root + folder, "file \(folder)")
        }
        add(node.cgroup, "cgroup ", foldersOnly: true)
        for mention in LeakCount.mentions(of: node.root) {
            let words = mention.split(separator: " ", maxSplits: 2).map(String.init)
            guard words.count == 3, words[0] == "process" else {
                count(mention)
                continue
            }
            if words[1] == "\(node.agentPID)" || words[2].hasPrefix("/usr/bin/strace ") { continue }
            // A process counts as what it is, not by its number.
            count("process \(words[2])")
        }
        for line in try HostNetwork.now().lines { count(line) }
    }

    private mutating func count(_ line: String) { lines[line, default: 0] += 1 }

    private mutating func add(_ folder: String, _ prefix: String, foldersOnly: Bool = false) {
        for name in (try? Files.list(folder)) ?? [] {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            let isFolder = swl_is_dir(status.st_mode)
            if !isFolder && foldersOnly { continue }
            // An address is given out to somebody.
            let isLease = folder.contains("/cni/leases/") && name.first?.isNumber == true
            let owner = isLease ? " of " + ((try? text(path)) ?? "?").replacing("\r\n", with: ", ") : ""
            count("\(prefix)/\(name)\(owner)")
            // What a pod writes for itself, and the images' content, are of no interest.
            if isFolder, name != "layers" { add(path, "\(prefix)/\(name)", foldersOnly: foldersOnly) }
        }
    }

    /// What is here and not, or not as often, in `before`.
    private func added(since before: Snapshot) -> [String] {
        lines.filter { $0.value > before.lines[$0.key, default: 0] }.map {
            $0.value == 1 ? $0.key : "\($0.value) × \($0.key)"
        }
        .sorted()
    }

    /// Waits until the node is again as it was in this snapshot.
    ///
    /// - Throws: `Failure` with what is left and what is missing.
    func expectAgain(_ node: Node) throws {
        var (added, removed): ([String], [String]) = ([], [])
        do {
            try node.eventually("the node is as it was", seconds: 10) {
                let now = try Snapshot(node)
                (added, removed) = (now.added(since: self), self.added(since: now))
                return added.isEmpty && removed.isEmpty
            }
        } catch {
            throw Failure("\(error): left \(added), missing \(removed)")
        }
    }
}

/// What the open descriptors of a process lead to.
func openDescriptors(_ pid: pid_t) -> [String] {
    ((try? Files.list("/proc/\(pid)/fd")) ?? []).map { number in
        var target = [CChar](repeating: 0, count: 4096)
        let size = readlink("/proc/\(pid)/fd/\(number)", &target, target.count)
        return
            "\(number) → \(String(decoding: target.prefix(max(0, size)).map { UInt8(bitPattern: $0) }, as: UTF8.self))"
    }
}

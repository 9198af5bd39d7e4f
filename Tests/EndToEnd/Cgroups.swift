import Base
import CLinux

/// The first folder below `folder` whose name contains `part`.
func findFolder(in folder: String, containing part: String) -> String? {
    for name in (try? Files.list(folder)) ?? [] {
        let path = "\(folder)/\(name)"
        guard Files.isDirectory(path) else { continue }
        if name.contains(part) { return path }
        if let found = findFolder(in: path, containing: part) { return found }
    }
    return nil
}

/// Removes empty cgroups, the deepest first.
func removeCgroups(_ folder: String) throws {
    for name in try Files.list(folder) where Files.isDirectory("\(folder)/\(name)") {
        try removeCgroups("\(folder)/\(name)")
    }
    guard rmdir(folder) == 0 else { throw SystemError("rmdir", folder) }
}

/// Kills all processes below `folder` and waits for them to leave it.
func killCgroups(_ folder: String) {
    try? Files.writeExisting("\(folder)/cgroup.kill", "1")
    for _ in 0..<200 {
        if (try? Files.readText("\(folder)/cgroup.events").contains("populated 0")) ?? true { return }
        pause(milliseconds: 20)
    }
}

/// The value of `key` in a file of `key value` lines.
func keyed(_ path: String, _ key: String) throws -> Int64 {
    for line in try Files.readText(path).split(separator: "\n") {
        let fields = line.split(separator: " ")
        if fields.count == 2, fields[0] == key { return Int64(fields[1]) ?? -1 }
    }
    throw Failure("\(path) has no \(key)")
}

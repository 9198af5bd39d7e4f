import Base
import CLinux

/// How often the kernel killed a process of a cgroup for memory.
struct OOMCounter {
    private let path: String
    private let first: Int64

    /// Begins to count. Nil where the cgroup has no memory controller.
    init?(cgroup: String) {
        path = cgroup + "/memory.events"
        guard let count = Self.count(path) else { return nil }
        first = count
    }

    /// Whether it happened since.
    var hasHappened: Bool { (Self.count(path) ?? first) > first }

    private static func count(_ path: String) -> Int64? {
        guard let bytes = try? Files.read(path, limit: 4096) else { return nil }
        for line in bytes.split(separator: 0x0A) {
            let words = line.split(separator: 0x20)
            if words.count == 2, words[0].elementsEqual("oom_kill".utf8) {
                return Int64(String(decoding: words[1], as: UTF8.self))
            }
        }
        return nil
    }
}

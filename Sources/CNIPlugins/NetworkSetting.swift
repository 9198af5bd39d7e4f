import Base
import CLinux
import CNITypes

/// Settings of the kernel below /proc/sys/net, of this thread's network namespace.
enum NetworkSetting {
    /// Makes it `value`, unless it is already: a file system that is read-only with the right value is no failure.
    /// A kernel without the setting (without IPv6) has nothing to set.
    static func set(_ name: String, _ value: String) throws(CNIError) {
        let path = "/proc/sys/net/" + name
        do {
            try change(path, value)
        } catch {
            if error.errno == .noEntry { return }
            throw CNIError(.inputOutput, "cannot make net/\(name) \(value)", details: "\(error)")
        }
    }

    /// Opens it once: with a thousand network namespaces to look among that takes the kernel most of a millisecond.
    private static func change(_ path: String, _ value: String) throws(SystemError) {
        let opened = swl_open(path, O_RDWR, 0)
        guard opened >= 0 else {
            let failure = Errno.current
            if failure != .noEntry, try Files.readText(path, limit: 64) == value { return }
            throw SystemError("open", path, failure)
        }
        let file = FileDescriptor(adopting: opened)
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = try file.read(into: &bytes) ?? 0
        if bytes[..<count].prefix(while: { $0 > 0x20 }).elementsEqual(value.utf8) { return }
        let raw = file.raw
        try retrying("write", path) { pwrite(raw, value, value.utf8.count, 0) }
    }
}

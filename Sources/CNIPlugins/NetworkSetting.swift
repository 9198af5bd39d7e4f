import Base
import CNITypes

/// Settings of the kernel below /proc/sys/net, of this thread's network namespace.
enum NetworkSetting {
    /// Makes it `value`, unless it is already: a file system that is read-only with the right value is no failure.
    /// A kernel without the setting (without IPv6) has nothing to set.
    static func set(_ name: String, _ value: String) throws(CNIError) {
        let path = "/proc/sys/net/" + name
        do {
            if try Files.readText(path, limit: 64) != value { try Files.writeExisting(path, value) }
        } catch {
            if error.errno == .noEntry { return }
            throw CNIError(.inputOutput, "cannot make net/\(name) \(value)", details: "\(error)")
        }
    }
}

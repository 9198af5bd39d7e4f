import Base
import CNITypes

/// A kernel parameter of the container's network namespace.
struct Sysctl: Sendable, Hashable {
    /// As it was given, with the interface's name in it.
    let key: String
    let value: String
    private let path: String

    /// - Parameter key: with dots, or slashes, between its parts; `IFNAME` stands for the interface.
    /// - Throws: `CNIError` 7 for what is none of the network.
    init(_ key: String, _ value: String, interface: String) throws(CNIError) {
        // A name with a slash first is written with slashes, and a dot in it is one of an interface's name.
        let separator = key.first { $0 == "." || $0 == "/" } ?? "."
        let parts = key.split(separator: separator, omittingEmptySubsequences: false).map {
            $0 == "IFNAME" ? interface : String($0)
        }
        guard parts.first == "net", parts.count > 1,
            parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.contains("/") && !$0.utf8.contains(0) })
        else {
            throw CNIError(
                .invalidConfiguration, "sysctl \(key) cannot be set",
                details: "only those of the network namespace can, as net.ipv4.conf.IFNAME.arp_filter")
        }
        self.key = parts.joined(separator: String(separator))
        self.value = value
        path = "/proc/sys/" + parts.joined(separator: "/")
    }

    /// Sets it, in the network namespace of this thread.
    func set() throws(CNIError) {
        do {
            try Files.writeExisting(path, value)
        } catch {
            throw CNIError(.inputOutput, "cannot make sysctl \(key) \"\(value)\"", details: "\(error)")
        }
    }

    /// Throws unless it is as it was set.
    func check() throws(CNIError) {
        let found: String
        do {
            found = try Files.readText(path, limit: 1 << 16)
        } catch {
            throw CNIError(.inputOutput, "cannot read sysctl \(key)", details: "\(error)")
        }
        // The kernel separates several values as it likes.
        func words(_ text: String) -> [Substring] { text.split { $0 == " " || $0 == "\t" || $0 == "\n" } }
        guard words(found) == words(value) else {
            throw CNIError(
                .internalFailure, "sysctl \(key) is \"\(words(found).joined(separator: " "))\", not \"\(value)\"")
        }
    }
}

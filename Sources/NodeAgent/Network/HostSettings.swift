import Base
import JSON
import Synchronization

/// The kernel's settings that pod networks change on the host, remembered as they were. Blocking.
struct HostSettings: Sendable {
    /// Forwarding is switched on by the plugins.
    private static let names = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"]

    /// Held while they are looked at: pods that come at the same time must not write them down at the same time, nor
    /// one of them what the other's plugin has made of them.
    private static let looking = Mutex(())

    /// The file in /run that says how they were.
    let record: String

    var isRemembered: Bool { Files.exists(record) }

    /// Writes down how they are, once.
    func remember() throws { try Self.looking.withLock { _ in try rememberNow() } }

    private func rememberNow() throws {
        guard !isRemembered else { return }
        var object = JSONObject()
        for name in Self.names {
            // A kernel may be without IPv6.
            guard let value = try? Files.readText("/proc/sys/" + name) else { continue }
            object.append(name, .string(value))
        }
        try Files.replace(record, with: JSONWriter().bytes(.object(object)), durable: false)
    }

    /// Makes them what they were and forgets it. What somebody else has changed meanwhile stays.
    func putBack() throws {
        guard isRemembered else { return }
        let value = try JSONParser.parse(try Files.read(record, limit: 64 << 10))
        for name in Self.names {
            guard let old = value[name]?.stringValue, old == "0" else { continue }
            if try Files.readText("/proc/sys/" + name) == "1" { try Files.writeExisting("/proc/sys/" + name, old) }
        }
        try Files.remove(record)
    }
}

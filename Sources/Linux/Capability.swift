import CCap
import CLinux

/// One of the kernel's capabilities.
public struct Capability: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let setPCap = Capability(rawValue: 8)
    public static let sysAdmin = Capability(rawValue: 21)
    public static let sysResource = Capability(rawValue: 24)

    /// By the name that the runtime specification uses, `CAP_CHOWN`. Nil when neither library nor kernel knows it.
    public init?(name: String) {
        guard name.hasPrefix("CAP_"), name.utf8.count < 64 else { return nil }
        var value: cap_value_t = 0
        guard cap_from_name(name, &value) == 0, value >= 0, value <= Self.last.rawValue else { return nil }
        rawValue = value
    }

    /// The highest one that the running kernel has.
    public static var last: Capability { Capability(rawValue: min(cap_max_bits(), 64) - 1) }

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    /// `CAP_CHOWN`; `CAP_63` for one that libcap has no name for.
    public var name: String {
        guard let text = cap_to_name(rawValue) else { return "CAP_\(rawValue)" }
        defer { cap_free(text) }
        let name = String(cString: text)
        return name.hasPrefix("cap_") ? name.uppercased() : "CAP_\(name)"
    }
}

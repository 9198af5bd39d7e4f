import Base

/// The kernel's AppArmor, as its files show it.
public struct AppArmor: Hashable, Sendable {
    private let parameter: String
    private let folder: String

    /// - Parameter system: where sysfs and securityfs are.
    public init(system: String = "/sys") {
        parameter = system + "/module/apparmor/parameters/enabled"
        folder = system + "/kernel/security/apparmor"
    }

    /// Whether processes can be put under profiles.
    public var isEnabled: Bool {
        Files.exists(folder) && (try? Files.readText(parameter))?.hasPrefix("Y") == true
    }

    /// Whether a profile of this name is loaded.
    public func hasLoaded(_ profile: String) throws(SystemError) -> Bool {
        // A line each, `NAME (MODE)`.
        let lines = try Files.readText(folder + "/profiles", limit: 16 << 20).split(separator: "\n")
        return lines.contains { line in
            line.lastIndex(of: "(").map { line[..<$0].dropLast() == profile } ?? false
        }
    }
}

// Stands in until the profiles come with their own files: this file goes with that commit.
public struct SeccompProfile {
    public static func runtimeDefault(capabilities: [String]) -> SeccompProfile { SeccompProfile() }
    public func compile() throws -> [UInt8] { [6, 0, 0, 0, 0, 0, 0xFF, 0x7F] }
}

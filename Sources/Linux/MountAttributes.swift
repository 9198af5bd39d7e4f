/// Per-mount attributes, with the kernel's bits.
public struct MountAttributes: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let readOnly = MountAttributes(rawValue: 0x01)
    public static let noSetUserID = MountAttributes(rawValue: 0x02)
    public static let noDevices = MountAttributes(rawValue: 0x04)
    public static let noExecute = MountAttributes(rawValue: 0x08)
    public static let noAccessTime = MountAttributes(rawValue: 0x10)
    public static let strictAccessTime = MountAttributes(rawValue: 0x20)
    /// All bits of the access time mode: to be cleared when one is set.
    public static let accessTimeMode = MountAttributes(rawValue: 0x70)
    public static let noDirectoryAccessTime = MountAttributes(rawValue: 0x80)
    public static let noSymlinkFollow = MountAttributes(rawValue: 0x0020_0000)
}

/// How mounts made below a mount travel to its copies.
public enum MountPropagation: UInt64, Sendable, Hashable {
    case unbindable = 0x2_0000
    case `private` = 0x4_0000
    case slave = 0x8_0000
    case shared = 0x10_0000
}

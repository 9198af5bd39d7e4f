/// One rule of a device allow-list; a later rule overrides an earlier one, bit by bit of its access.
public struct DeviceRule: Sendable, Hashable {
    public enum Kind: Sendable, Hashable { case all, block, character }

    /// With the kernel's bits.
    public struct Access: OptionSet, Sendable, Hashable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }
        public static let makeNode = Access(rawValue: 1)
        public static let read = Access(rawValue: 2)
        public static let write = Access(rawValue: 4)
        public static let all: Access = [.makeNode, .read, .write]
    }

    public var allow: Bool
    public var kind: Kind
    /// Nil means every number.
    public var major: UInt32?
    public var minor: UInt32?
    public var access: Access

    public init(allow: Bool, _ kind: Kind = .all, _ major: UInt32? = nil, _ minor: UInt32? = nil, access: Access = .all)
    {
        self.allow = allow
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access
    }

    /// What every container may use: any node may be made, but only the harmless ones opened: null, zero, full,
    /// random, urandom, tty, the pseudo-terminals (of which a container's console is one).
    public static let containerDefault: [DeviceRule] = [
        DeviceRule(allow: false),
        DeviceRule(allow: true, .character, access: .makeNode),
        DeviceRule(allow: true, .block, access: .makeNode),
        DeviceRule(allow: true, .character, 1, 3),
        DeviceRule(allow: true, .character, 1, 5),
        DeviceRule(allow: true, .character, 1, 7),
        DeviceRule(allow: true, .character, 1, 8),
        DeviceRule(allow: true, .character, 1, 9),
        DeviceRule(allow: true, .character, 5, 0),
        DeviceRule(allow: true, .character, 5, 2),
        DeviceRule(allow: true, .character, 136, nil),
    ]

    /// Every device: privileged containers.
    public static let everything: [DeviceRule] = [DeviceRule(allow: true)]
}

/// A set, or, with `value`, a map of keys to values. A key or value of several fields is their concatenation.
public struct NftablesSet: Sendable, Hashable {
    /// A field. Its number (nft's own, which the kernel only stores) lets `nft` print it.
    public enum Field: UInt32, Sendable, Hashable {
        case ipv4Address = 7
        case ipv6Address = 8
        case macAddress = 9
        /// The number of TCP, UDP and so on.
        case transportProtocol = 12
        /// In network order.
        case port = 13
        case interfaceName = 41

        /// Bytes in a register.
        public var size: Int {
            switch self {
            case .ipv4Address, .transportProtocol, .port: 4
            case .macAddress: 8
            case .ipv6Address, .interfaceName: 16
            }
        }

        /// Bytes when it stands alone.
        var ownSize: Int {
            switch self {
            case .transportProtocol: 1
            case .port: 2
            case .macAddress: 6
            case .ipv4Address, .ipv6Address, .interfaceName: size
            }
        }
    }

    public enum Value: Sendable, Hashable {
        case fields([Field])
        case verdict
    }

    public var name: String
    public var key: [Field]
    public var value: Value?

    public init(_ name: String, key: [Field], value: Value? = nil) {
        self.name = name
        self.key = key
        self.value = value
    }

    static func type(of fields: [Field]) -> UInt32 { fields.reduce(0) { $0 << 6 | $1.rawValue } }

    static func size(of fields: [Field]) -> Int {
        fields.count == 1 ? fields[0].ownSize : fields.reduce(0) { $0 + $1.size }
    }
}

import CLinux

/// An IP address with the length of its network's prefix, `10.1.0.5/16`.
public struct IPPrefix: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes in network order.
    public let address: [UInt8]
    /// In bits.
    public let length: Int

    /// - Returns: nil unless there are 4 or 16 bytes and `length` fits them.
    public init?(address: [UInt8], length: Int) {
        guard address.count == 4 || address.count == 16, (0...address.count * 8).contains(length) else { return nil }
        self.address = address
        self.length = length
    }

    /// - Returns: nil for anything but an address, a slash and a decimal length.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let length = Int(parts[1]), let address = Self.parse(String(parts[0]))
        else { return nil }
        self.init(address: address, length: length)
    }

    /// An IPv4 network of the bytes that its prefix covers, `[10, 85]` and 16.
    public init(network bytes: [UInt8], length: Int) {
        address = Array((bytes + [0, 0, 0, 0]).prefix(4))
        self.length = min(max(0, length), 32)
    }

    /// No bit behind the prefix is set.
    public var isNetwork: Bool {
        address.enumerated().allSatisfy { index, byte in
            let covered = min(8, max(0, length - index * 8))
            return covered == 8 || byte & (0xFF >> covered) == 0
        }
    }

    public var isIPv6: Bool { address.count == 16 }

    /// Whether it is in 127.0.0.0/8 or is ::1.
    public var isLoopback: Bool {
        isIPv6 ? address.dropLast().allSatisfy { $0 == 0 } && address.last == 1 : address.first == 127
    }

    public var description: String { "\(addressText)/\(length)" }

    /// The address without its prefix length, in canonical form.
    public var addressText: String { Self.text(address) }

    /// The bytes of an address without prefix, in network order; nil when `text` is none.
    public static func parse(_ text: String) -> [UInt8]? {
        // inet_pton reads to the first zero byte.
        guard !text.utf8.contains(0) else { return nil }
        let isIPv6 = text.utf8.contains(UInt8(ascii: ":"))
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        return inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes) == 1 ? bytes : nil
    }

    /// The canonical text of 4 or 16 bytes.
    public static func text(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 16 ? AF_INET6 : AF_INET
        guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

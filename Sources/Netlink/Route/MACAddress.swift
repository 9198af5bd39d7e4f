import Base
import CLinux

/// An Ethernet address.
public struct MACAddress: Sendable, Hashable, CustomStringConvertible {
    /// 6 bytes.
    public let bytes: [UInt8]

    /// - Returns: nil unless there are 6 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 6 else { return nil }
        self.bytes = bytes
    }

    /// - Returns: nil for anything but six two-digit hexadecimal numbers between colons.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 6 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard part.count == 2, part.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
                let byte = UInt8(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(byte)
        }
        self.bytes = bytes
    }

    /// A new one out of those that everybody may use: locally administered, of one station.
    ///
    /// - Throws: `NetlinkError` where the kernel gives no random numbers.
    public static func random() throws(NetlinkError) -> MACAddress {
        var bytes = [UInt8](repeating: 0, count: 6)
        guard swl_random(&bytes, bytes.count) == 0 else { throw NetlinkError("make a MAC address", .current) }
        bytes[0] = bytes[0] & 0xFC | 0x02
        return MACAddress(trusted: bytes)
    }

    private init(trusted bytes: [UInt8]) { self.bytes = bytes }

    /// Whether it stands for a group of stations: no interface can have it.
    public var isMulticast: Bool { bytes[0] & 1 != 0 }

    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

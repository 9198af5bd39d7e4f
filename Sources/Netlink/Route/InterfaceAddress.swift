import CLinux
import CNetlink

/// An IP address of an interface.
public struct InterfaceAddress: Sendable, Hashable {
    /// 4 or 16 bytes in network order.
    public var address: [UInt8]
    /// Of the network on the link, in bits.
    public var prefixLength: Int
    /// Duplicate address detection goes on: it cannot be used yet.
    public var isTentative = false
    /// Somebody else on the link has it.
    public var isDuplicate = false

    public init(_ address: [UInt8], prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }

    /// Reads an RTM_NEWADDR message; nil when it is none, or not one of IPv4 or IPv6.
    init?(_ reply: NetlinkReply) {
        guard reply.type == UInt16(RTM_NEWADDR), let header = reply.header(ifaddrmsg.self) else { return nil }
        let attributes = reply.attributes(after: MemoryLayout<ifaddrmsg>.size)
        // The local end where the two differ.
        guard let bytes = (attributes[IFA_LOCAL] ?? attributes[IFA_ADDRESS])?.bytes, [4, 16].contains(bytes.count)
        else { return nil }
        address = bytes
        prefixLength = Int(header.ifa_prefixlen)
        let flags = attributes[IFA_FLAGS]?.number(UInt32.self) ?? UInt32(header.ifa_flags)
        isTentative = flags & UInt32(IFA_F_TENTATIVE) != 0
        isDuplicate = flags & UInt32(IFA_F_DADFAILED) != 0
    }
}

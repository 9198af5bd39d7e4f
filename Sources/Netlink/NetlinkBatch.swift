import Base
import CLinux
import CMNL

/// Messages that are sent to the kernel by one call, in their order.
public struct NetlinkBatch: ~Copyable {
    /// What a message's `flags` may say beside that it is a request that wants an answer (netlink(7)).
    public struct Flags: OptionSet, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }
        public static let replace = Flags(rawValue: 0x100)
        /// With `create`: EEXIST when it is there.
        public static let exclusive = Flags(rawValue: 0x200)
        public static let create = Flags(rawValue: 0x400)
        public static let append = Flags(rawValue: 0x800)
        public static let dump = Flags(rawValue: 0x300)
    }

    struct Entry {
        var offset: Int
        /// What the message asks, for an error's words.
        var request: String
        /// Whether the kernel acknowledges it.
        var isAcknowledged: Bool
        /// A refusal that is as good as success.
        var tolerated: Errno?
    }

    let buffer: UnsafeMutableRawBufferPointer
    private(set) var used = 0
    private(set) var entries: [Entry] = []
    private(set) var hasOverflowed = false

    /// - Parameter capacity: the most bytes that all messages together may have.
    public init(capacity: Int = 16 << 10) {
        buffer = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit { buffer.deallocate() }

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }

    /// Appends a message.
    ///
    /// - Parameters:
    ///   - type: `RTM_NEWLINK` and so on; for nftables the subsystem in the high byte.
    ///   - acknowledged: whether the kernel says that it is done. Where not, a failure is still reported. At least the
    ///     last message of a batch must be, or, of an nftables transaction, the last before its end mark.
    ///   - tolerated: a refusal that is as good as success, as EEXIST of what may be there already.
    ///   - header: the fixed part behind the netlink header, as `ifinfomsg`.
    ///   - request: what it asks of which object, in an error's words: "create link cni0".
    ///   - body: puts the attributes.
    public mutating func append<Header: BitwiseCopyable>(
        type: UInt16, flags: Flags, acknowledged: Bool = true, tolerating tolerated: Errno? = nil, header: Header,
        _ request: String,
        _ body: (inout NetlinkWriter) -> Void = { _ in }
    ) {
        let headers = Int(NLMSG_ALIGNTO) * 4 + ((MemoryLayout<Header>.size + 3) & ~3)
        guard buffer.count - used >= headers, let start = buffer.baseAddress?.advanced(by: used),
            let message = mnl_nlmsg_put_header(start)
        else { return hasOverflowed = true }
        message.pointee.nlmsg_type = type
        message.pointee.nlmsg_flags = flags.rawValue | UInt16(NLM_F_REQUEST) | (acknowledged ? UInt16(NLM_F_ACK) : 0)
        if let place = mnl_nlmsg_put_extra_header(message, MemoryLayout<Header>.size) {
            place.storeBytes(of: header, as: Header.self)
        }
        var writer = NetlinkWriter(message: message, capacity: buffer.count - used)
        body(&writer)
        if writer.hasOverflowed { return hasOverflowed = true }
        entries.append(Entry(offset: used, request: request, isAcknowledged: acknowledged, tolerated: tolerated))
        used += (Int(message.pointee.nlmsg_len) + 3) & ~3
    }

    /// Has the kernel acknowledge the message appended last.
    mutating func acknowledgeLast() {
        guard !entries.isEmpty, !entries[entries.count - 1].isAcknowledged else { return }
        entries[entries.count - 1].isAcknowledged = true
        // nlmsg_flags, behind length and type.
        let place = entries[entries.count - 1].offset + 6
        let flags = buffer.load(fromByteOffset: place, as: UInt16.self)
        buffer.storeBytes(of: flags | UInt16(NLM_F_ACK), toByteOffset: place, as: UInt16.self)
    }
}

/// Puts the attributes of one message, in order.
public struct NetlinkWriter {
    fileprivate let message: UnsafeMutablePointer<nlmsghdr>
    fileprivate let capacity: Int
    fileprivate var hasOverflowed = false

    /// A number in the machine's byte order. nftables wants the network's: give `.bigEndian`.
    public mutating func put<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Int, _ value: Value) {
        withUnsafeBytes(of: value) { put(type, $0) }
    }

    public mutating func put(_ type: Int, _ bytes: [UInt8]) {
        bytes.withUnsafeBytes { put(type, $0) }
    }

    /// A text with its terminating zero.
    public mutating func put(_ type: Int, _ text: String) {
        put(type, Array(text.utf8) + [0])
    }

    /// An attribute that is only there.
    public mutating func put(_ type: Int) { put(type, UnsafeRawBufferPointer(start: nil, count: 0)) }

    /// Bytes, or any fixed structure.
    public mutating func put(_ type: Int, _ bytes: UnsafeRawBufferPointer) {
        if !mnl_attr_put_check(message, capacity, UInt16(type), bytes.count, bytes.baseAddress) { hasOverflowed = true }
    }

    /// Puts the attributes that `body` puts inside one attribute.
    public mutating func nest(_ type: Int, _ body: (inout NetlinkWriter) -> Void) {
        guard let start = mnl_attr_nest_start_check(message, capacity, UInt16(type)) else {
            return hasOverflowed = true
        }
        body(&self)
        if hasOverflowed { mnl_attr_nest_cancel(message, start) } else { mnl_attr_nest_end(message, start) }
    }

    /// A fixed structure among the attributes, as the peer's `ifinfomsg` in `VETH_INFO_PEER`.
    public mutating func putHeader<Header: BitwiseCopyable>(_ header: Header) {
        let size = (MemoryLayout<Header>.size + 3) & ~3
        guard Int(message.pointee.nlmsg_len) + size <= capacity,
            let place = mnl_nlmsg_put_extra_header(message, MemoryLayout<Header>.size)
        else { return hasOverflowed = true }
        place.storeBytes(of: header, as: Header.self)
    }
}

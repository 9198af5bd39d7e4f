import Base
import CLinux
import CNetlink

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
        var writer = NetlinkWriter(UnsafeMutableRawBufferPointer(rebasing: buffer[used...]))
        // Length and sequence number are written when they are known.
        writer.putHeader(
            nlmsghdr(
                nlmsg_len: 0, nlmsg_type: type,
                nlmsg_flags: flags.rawValue | UInt16(NLM_F_REQUEST) | (acknowledged ? UInt16(NLM_F_ACK) : 0),
                nlmsg_seq: 0, nlmsg_pid: 0))
        writer.putHeader(header)
        body(&writer)
        if writer.hasOverflowed { return hasOverflowed = true }
        buffer.storeBytes(of: UInt32(writer.length), toByteOffset: used, as: UInt32.self)
        entries.append(Entry(offset: used, request: request, isAcknowledged: acknowledged, tolerated: tolerated))
        used += writer.length
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

/// Puts the attributes of one message, in order. Everything is padded to a multiple of four bytes, as the kernel wants it.
public struct NetlinkWriter {
    private let buffer: UnsafeMutableRawBufferPointer
    /// How many bytes are used.
    fileprivate private(set) var length = 0
    fileprivate private(set) var hasOverflowed = false

    /// Type and length of an attribute.
    private static let headerSize = 4

    fileprivate init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

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
        let start = length
        guard bytes.count <= Int(UInt16.max) - Self.headerSize else { return hasOverflowed = true }
        guard let place = reserve(Self.headerSize + bytes.count) else { return }
        UnsafeMutableRawBufferPointer(rebasing: place[Self.headerSize...]).copyMemory(from: bytes)
        setHeader(at: start, type, Self.headerSize + bytes.count)
    }

    /// Puts the attributes that `body` puts inside one attribute.
    public mutating func nest(_ type: Int, _ body: (inout NetlinkWriter) -> Void) {
        let start = length
        guard reserve(Self.headerSize) != nil else { return }
        body(&self)
        guard !hasOverflowed, length - start <= Int(UInt16.max) else { return hasOverflowed = true }
        setHeader(at: start, type | Int(NLA_F_NESTED), length - start)
    }

    /// A fixed structure among the attributes, as the peer's `ifinfomsg` in `VETH_INFO_PEER`.
    public mutating func putHeader<Header: BitwiseCopyable>(_ header: Header) {
        reserve(MemoryLayout<Header>.size)?.storeBytes(of: header, as: Header.self)
    }

    private func setHeader(at offset: Int, _ type: Int, _ length: Int) {
        buffer.storeBytes(of: UInt16(length), toByteOffset: offset, as: UInt16.self)
        buffer.storeBytes(of: UInt16(truncatingIfNeeded: type), toByteOffset: offset + 2, as: UInt16.self)
    }

    /// The next `count` bytes; the padding behind them is zero. Nil, and everything is in vain, when they do not fit.
    private mutating func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer? {
        let padded = (count + 3) & ~3
        guard !hasOverflowed, padded <= buffer.count - length else {
            hasOverflowed = true
            return nil
        }
        let place = UnsafeMutableRawBufferPointer(rebasing: buffer[length..<length + padded])
        for index in count..<padded { place[index] = 0 }
        length += padded
        return UnsafeMutableRawBufferPointer(rebasing: place[..<count])
    }
}

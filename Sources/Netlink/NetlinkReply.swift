import CLinux
import CNetlink

/// A message of the kernel. Valid only while it is handed out.
public struct NetlinkReply {
    let message: UnsafePointer<nlmsghdr>

    public var type: UInt16 { message.pointee.nlmsg_type }

    /// The fixed part; nil when the message is too short for it.
    public func header<Header: BitwiseCopyable>(_ type: Header.Type) -> Header? {
        guard payload.count >= MemoryLayout<Header>.size else { return nil }
        return payload.loadUnaligned(as: type)
    }

    /// The attributes behind a fixed part of `headerSize` bytes.
    public func attributes(after headerSize: Int) -> NetlinkAttributes {
        NetlinkAttributes(bytes: UnsafeRawBufferPointer(rebasing: payload.dropFirst((headerSize + 3) & ~3)))
    }

    /// What follows the netlink header.
    private var payload: UnsafeRawBufferPointer {
        let size = MemoryLayout<nlmsghdr>.size
        return UnsafeRawBufferPointer(
            start: UnsafeRawPointer(message).advanced(by: size), count: max(Int(message.pointee.nlmsg_len) - size, 0))
    }
}

/// A sequence of attributes: type, length and payload. What is cut off ends it.
public struct NetlinkAttributes: Sequence, IteratorProtocol {
    fileprivate var bytes: UnsafeRawBufferPointer

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    public struct Attribute {
        /// Without the flags for nested and byte order.
        public let type: Int
        public let payload: UnsafeRawBufferPointer

        /// The payload as a number in the machine's byte order; nil when it is shorter.
        public func number<Value: FixedWidthInteger & BitwiseCopyable>(_ kind: Value.Type) -> Value? {
            payload.count >= MemoryLayout<Value>.size ? payload.loadUnaligned(as: kind) : nil
        }
        /// Up to the first zero byte.
        public var text: String { String(decoding: payload.prefix { $0 != 0 }, as: UTF8.self) }
        public var bytes: [UInt8] { Array(payload) }
        public var nested: NetlinkAttributes { NetlinkAttributes(bytes: payload) }
    }

    public mutating func next() -> Attribute? {
        guard bytes.count >= 4 else { return nil }
        let length = Int(bytes.loadUnaligned(as: UInt16.self))
        let type = bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
        guard length >= 4, length <= bytes.count else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[4..<length])
        let step = Swift.min((length + 3) & ~3, bytes.count)
        bytes = UnsafeRawBufferPointer(rebasing: bytes[step...])
        return Attribute(type: Int(type & 0x3FFF), payload: payload)
    }

    /// The first attribute of this type.
    public subscript(type: Int) -> Attribute? { first { $0.type == type } }
}

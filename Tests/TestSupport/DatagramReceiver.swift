import Base
import CLinux

/// A Unix datagram socket that takes what is sent to it.
public final class DatagramReceiver: Sendable {
    private let socket: FileDescriptor

    /// - Parameter address: a path, or `@` and an abstract name.
    public init(_ address: String) throws {
        socket = FileDescriptor(adopting: try retrying("bind", address) { swl_unix_datagram(address) })
        try socket.setNonBlocking()
    }

    /// The next datagram; nil when none is there.
    public func next() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        let raw = socket.raw
        let count = buffer.withUnsafeMutableBytes { recv(raw, $0.baseAddress, $0.count, 0) }
        return count < 0 ? nil : Array(buffer[..<count])
    }

    public func nextText() -> String? { next().map { String(decoding: $0, as: UTF8.self) } }
}

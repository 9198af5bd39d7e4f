import Base
import CLinux

/// Sends and receives messages by an interface that has no address yet. Made in the interface's network namespace; it stays
/// of that. Nothing blocks.
struct DHCPSocket: ~Copyable {
    let descriptor: FileDescriptor
    private let index: Int32
    /// Takes what servers send to the address, so that the kernel does not refuse it; once the interface has one.
    private var own: SharedDescriptor?

    private static let clientPort: UInt16 = 68
    private static let serverPort: UInt16 = 67
    private static let ipProtocol = UInt16(0x0800)

    /// - Parameter index: the interface's.
    /// - Throws: `SystemError`.
    init(interface index: Int32) throws(SystemError) {
        self.index = index
        descriptor = try Self.open(index)
    }

    private static func open(_ index: Int32) throws(SystemError) -> FileDescriptor {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        // Of no protocol until it is filtered and bound.
        let raw = try retrying("open a packet socket on", "link number \(index)") { socket(AF_PACKET, type, 0) }
        let descriptor = FileDescriptor(adopting: raw)
        try filter(raw)
        var address = linkAddress(index)
        try retrying("bind a packet socket to", "link number \(index)") {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    CLinux.bind(raw, __CONST_SOCKADDR_ARG(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_ll>.size))
                }
            }
        }
        return descriptor
    }

    /// Everybody on the link.
    private static func linkAddress(_ index: Int32) -> sockaddr_ll {
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = ipProtocol.bigEndian
        address.sll_ifindex = index
        address.sll_halen = 6
        withUnsafeMutableBytes(of: &address.sll_addr) { for i in 0..<6 { $0[i] = 0xFF } }
        return address
    }

    /// Only UDP to the client's port wakes anybody (classic BPF; it sees the packet from its IP header on).
    private static func filter(_ raw: Int32) throws(SystemError) {
        func step(_ code: Int32, _ k: UInt32, _ jt: UInt8 = 0, _ jf: UInt8 = 0) -> sock_filter {
            sock_filter(code: UInt16(code), jt: jt, jf: jf, k: k)
        }
        var program = [
            step(BPF_LD | BPF_B | BPF_ABS, 9), step(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 6),
            // No fragment behind the first.
            step(BPF_LD | BPF_H | BPF_ABS, 6), step(BPF_JMP | BPF_JSET | BPF_K, 0x1FFF, 4, 0),
            // The header's length, and the port behind it.
            step(BPF_LDX | BPF_B | BPF_MSH, 0), step(BPF_LD | BPF_H | BPF_IND, 2),
            step(BPF_JMP | BPF_JEQ | BPF_K, UInt32(clientPort), 0, 1),
            step(BPF_RET | BPF_K, 0xFFFF), step(BPF_RET | BPF_K, 0),
        ]
        try program.withUnsafeMutableBufferPointer { steps throws(SystemError) in
            var filter = sock_fprog(len: UInt16(steps.count), filter: steps.baseAddress)
            try retrying("filter", "a packet socket") {
                setsockopt(raw, SOL_SOCKET, SO_ATTACH_FILTER, &filter, socklen_t(MemoryLayout<sock_fprog>.size))
            }
        }
    }

    /// Sends to everybody on the link.
    ///
    /// - Parameter source: the client's address, 4 bytes; zero while it has none.
    func broadcast(_ message: DHCPMessage, from source: [UInt8]) throws(SystemError) {
        let packet = Self.packet(message.bytes, from: source)
        var address = Self.linkAddress(index)
        let raw = descriptor.raw
        try retrying("send to", "link number \(index)") {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(
                        raw, packet, packet.count, 0, __CONST_SOCKADDR_ARG(__sockaddr__: $0),
                        socklen_t(MemoryLayout<sockaddr_ll>.size))
                }
            }
        }
    }

    /// Sends to a server, from the address that the interface has, by the kernel's routes. To be called in the interface's
    /// network namespace.
    mutating func send(_ message: DHCPMessage, to server: [UInt8], from source: [UInt8]) throws(SystemError) {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let raw = try retrying("open", "a socket") { socket(AF_INET, type, 0) }
        let udp = FileDescriptor(adopting: raw)
        var on: Int32 = 1
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        _ = try Self.with(source, Self.clientPort) { address, length throws(SystemError) in
            try retrying("bind to", "the DHCP client's port") { CLinux.bind(raw, address, length) }
        }
        let bytes = message.bytes
        _ = try Self.with(server, Self.serverPort) { address, length throws(SystemError) in
            try retrying("send to", "the DHCP server") { sendto(raw, bytes, bytes.count, 0, address, length) }
        }
        own = SharedDescriptor(udp)
    }

    /// The next message that came in; nil when there is none.
    func receive() throws(SystemError) -> DHCPMessage? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // Bounded: somebody on the link may send without end.
        for _ in 0..<64 {
            guard let count = try descriptor.read(into: &buffer) else { return nil }
            guard let payload = Self.payload(buffer[..<count]), let message = DHCPMessage(payload) else { continue }
            return message
        }
        return nil
    }

    /// Of an IP packet that holds a datagram for the client. Checksums are not looked at: those of this machine's own
    /// interfaces are left to hardware that there is not.
    static func payload(_ packet: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let bytes = Array(packet)
        guard bytes.count >= 28, bytes[0] >> 4 == 4 else { return nil }
        let header = Int(bytes[0] & 0xF) * 4
        let whole = Int(bytes[2]) << 8 | Int(bytes[3])
        guard header >= 20, bytes[9] == 17, whole <= bytes.count, whole >= header + 8,
            UInt16(bytes[header + 2]) << 8 | UInt16(bytes[header + 3]) == clientPort
        else { return nil }
        let length = Int(bytes[header + 4]) << 8 | Int(bytes[header + 5])
        guard length >= 8, header + length <= whole else { return nil }
        return bytes[(header + 8)..<(header + length)]
    }

    /// An IP packet to everybody with a datagram to servers.
    static func packet(_ payload: [UInt8], from source: [UInt8]) -> [UInt8] {
        func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }
        let everybody = [UInt8](repeating: 0xFF, count: 4)
        let length = payload.count + 8
        // Version 4 with 20 bytes, to be delivered soon; 64 hops; UDP.
        var header: [UInt8] = [0x45, 0x10] + number(length + 20) + [0, 0, 0, 0, 64, 17, 0, 0] + source + everybody
        header.replaceSubrange(10..<12, with: number(Int(checksum(header))))
        var datagram = number(Int(clientPort)) + number(Int(serverPort)) + number(length) + [0, 0] + payload
        let sum = checksum(source + everybody + [0, 17] + number(length) + datagram)
        datagram.replaceSubrange(6..<8, with: number(Int(sum == 0 ? 0xFFFF : sum)))
        return header + datagram
    }

    /// The one's complement of the one's complement sum (RFC 1071).
    static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
        }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        return ~UInt16(sum)
    }

    private static func with<T>(
        _ bytes: [UInt8], _ port: UInt16, _ body: (__CONST_SOCKADDR_ARG, socklen_t) throws(SystemError) -> T
    ) throws(SystemError) -> T {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: bytes.prefix(4)) }
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Result<T, SystemError> in
                do throws(SystemError) {
                    return .success(
                        try body(
                            __CONST_SOCKADDR_ARG(__sockaddr__: pointer), socklen_t(MemoryLayout<sockaddr_in>.size)))
                } catch { return .failure(error) }
            }
        }
        return try result.get()
    }
}

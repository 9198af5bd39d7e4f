import Base
import CLinux
import CNITypes

/// An interface of this thread's network namespace as it is now.
struct InterfaceState {
    var isUp: Bool
    /// In the kernel's order.
    var addresses: [IPPrefix]

    /// Nil when there is no such interface.
    static func read(_ name: String) throws(SystemError) -> InterfaceState? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { throw SystemError("list the interfaces of", "the network namespace") }
        defer { freeifaddrs(list) }
        var state: InterfaceState?
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard String(cString: entry.ifa_name) == name else { continue }
            var found = state ?? InterfaceState(isUp: entry.ifa_flags & 0x1 != 0, addresses: [])
            if let address = bytes(entry.ifa_addr), let mask = bytes(entry.ifa_netmask),
                let prefix = IPPrefix(address: address, length: mask.reduce(0) { $0 + $1.nonzeroBitCount })
            {
                found.addresses.append(prefix)
            }
            state = found
        }
        return state
    }

    /// The bytes of an IPv4 or IPv6 address; nil for other families.
    static func bytes(_ address: UnsafeMutablePointer<sockaddr>?) -> [UInt8]? {
        guard let address else { return nil }
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) }
            }
        case AF_INET6:
            return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
            }
        default: return nil
        }
    }
}

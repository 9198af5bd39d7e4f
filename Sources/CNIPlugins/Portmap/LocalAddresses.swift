import Base
import CLinux
import CNITypes

/// The addresses of this thread's network namespace.
struct LocalAddresses: Sendable {
    private var addresses: Set<[UInt8]> = []

    /// - Throws: `CNIError` 5.
    static func read() throws(CNIError) -> LocalAddresses {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else {
            throw CNIError(.inputOutput, "cannot list the host's addresses", details: "\(Errno.current)")
        }
        defer { freeifaddrs(list) }
        var found = LocalAddresses()
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            if let bytes = InterfaceState.bytes(entry.ifa_addr) { found.addresses.insert(bytes) }
        }
        return found
    }

    /// Whether packets to it are the host's: all of 127.0.0.0/8 is.
    func contains(_ address: [UInt8]) -> Bool {
        addresses.contains(address) || address.count == 4 && address.first == 127
    }
}

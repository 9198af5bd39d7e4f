import CNITypes
import JSON

/// A port of the host that leads to one of the container: an entry of `runtimeConfig.portMappings`.
struct PortMapping: Sendable, Hashable {
    enum TransportProtocol: UInt8, Sendable, Hashable {
        case tcp = 6
        case udp = 17
        case sctp = 132

        var name: String {
            switch self {
            case .tcp: "tcp"
            case .udp: "udp"
            case .sctp: "sctp"
            }
        }
    }

    /// Which of the host's addresses.
    enum HostAddress: Sendable, Hashable {
        /// Nil: of both families.
        case any(AddressFamily?)
        /// 4 or 16 bytes.
        case only([UInt8])
    }

    var hostPort: UInt16
    var containerPort: UInt16
    var transportProtocol: TransportProtocol
    var hostAddress: HostAddress

    /// - Throws: `JSONError` with the place.
    init(json value: JSONValue) throws(JSONError) {
        hostPort = try Self.port(value, "hostPort")
        containerPort = try Self.port(value, "containerPort")
        let name = try value.optionalString("protocol") ?? ""
        switch name.lowercased() {
        case "", "tcp": transportProtocol = .tcp
        case "udp": transportProtocol = .udp
        case "sctp": transportProtocol = .sctp
        default: throw JSONError("protocol: \"\(name)\" is none of tcp, udp and sctp", at: value.position)
        }
        let text = try value.optionalString("hostIP") ?? ""
        guard !text.isEmpty else {
            hostAddress = .any(nil)
            return
        }
        guard var address = IPPrefix.parse(text) else {
            throw JSONError("hostIP: \"\(text)\" is no address", at: value.position)
        }
        // An IPv4 address written as an IPv6 one.
        if address.count == 16, address.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] {
            address.removeFirst(12)
        }
        guard address != AddressFamily.ipv6Loopback else {
            throw JSONError(
                "hostIP: the kernel leads no connection from ::1 elsewhere; 127.0.0.1 can be mapped", at: value.position
            )
        }
        hostAddress = address.allSatisfy { $0 == 0 } ? .any(AddressFamily(of: address)) : .only(address)
    }

    private static func port(_ value: JSONValue, _ key: String) throws(JSONError) -> UInt16 {
        let number = try value.requiredInteger(key)
        guard let port = UInt16(exactly: number), port > 0 else {
            throw JSONError("\(key): \(number) is not between 1 and 65535", at: value.position)
        }
        return port
    }
}

import Base
import CNITypes
import Netlink

extension ContainerInterface {
    /// Throws unless the interface of `result` is as ADD has said: MAC address, addresses and routes.
    ///
    /// - Parameters:
    ///   - ips: those of the result that are of the interface.
    ///   - isUp: whether it is to be up.
    /// - Returns: the interface.
    static func check(
        _ result: CNIResult, _ interface: CNIResult.Interface, _ ips: [CNIResult.IP], isUp: Bool = true
    ) throws(CNIError) -> Link {
        var socket = try openRouteSocket()
        let link = try find(interface.name, &socket)
        guard link.isUp == isUp else {
            throw broken("interface \(interface.name) is \(link.isUp ? "up" : "down")")
        }
        if let mac = interface.mac.flatMap({ MACAddress($0) }), link.mac != mac {
            throw broken("interface \(interface.name) has another MAC address than \(mac)")
        }
        let addresses = try BridgeDevice.addresses(of: link, &socket)
        for ip in ips where !addresses.contains(ip.address) {
            throw broken("interface \(interface.name) lacks the address \(ip.address)")
        }
        for wanted in try routes(result, link) {
            let present = try asking("read the container's routes") { () throws(NetlinkError) in
                try socket.routes(ipv6: wanted.destination.count == 16, table: wanted.table)
            }
            let isThere = present.contains {
                $0.destination == wanted.destination && $0.prefixLength == wanted.prefixLength
                    && (wanted.gateway == nil || $0.gateway == wanted.gateway || $0.isConnected)
            }
            guard isThere else {
                let gateway = wanted.gateway.map { " by \(IPPrefix.text($0))" } ?? ""
                throw broken(
                    "the container lacks the route to \(IPPrefix.text(wanted.destination))/\(wanted.prefixLength)"
                        + gateway
                )
            }
        }
        return link
    }

    private static func broken(_ what: String) -> CNIError { CNIError(.internalFailure, what) }
}

import Base
import CNITypes
import Kube
import Linux
import Netlink

/// The default routes of a pod whose annotation gives them to another network than the default one. Blocking.
enum DefaultRoutes {
    /// Replaces those of the gateways' families by ones over the selected network's interface.
    ///
    /// - Throws: `NetworkFailure` or `SystemError`.
    static func replace(inNamespace path: String, by selection: NetworkSelection) throws {
        let home = try NetworkNamespace.current()
        let pod = try NetworkNamespace(path: path)
        try pod.enter()
        let outcome = Result { try replace(by: selection) }
        try home.enter()
        try outcome.get()
    }

    private static func replace(by selection: NetworkSelection) throws {
        var socket = try RouteSocket()
        guard let link = try socket.link(named: selection.interface) else {
            throw NetworkFailure("network \(selection.name) has made no interface \(selection.interface)")
        }
        for isIPv6 in [false, true] {
            let gateways = selection.gateways.compactMap { IPPrefix.parse($0) }.filter { ($0.count == 16) == isIPv6 }
            guard !gateways.isEmpty else { continue }
            for route in try socket.routes(ipv6: isIPv6) where route.prefixLength == 0 {
                try socket.perform { $0.removeRoute(route) }
            }
            for (n, gateway) in gateways.enumerated() {
                var route = Route(
                    [UInt8](repeating: 0, count: gateway.count), prefixLength: 0, gateway: gateway,
                    interface: link.index)
                // The first counts; the next is there when that one is not.
                route.priority = UInt32(n)
                do {
                    try socket.perform { $0.addRoute(route, mayExist: true) }
                } catch {
                    throw NetworkFailure("network \(selection.name): the default-route cannot be made: \(error)")
                }
            }
        }
    }
}

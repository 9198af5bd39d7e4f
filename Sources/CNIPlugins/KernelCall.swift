import Base
import CNITypes
import Netlink

/// Runs `body`, which asks the kernel's routing socket; a refusal becomes an error of the plugin.
///
/// - Parameter what: what the plugin cannot do then: "create the bridge cni0".
func asking<T>(_ what: @autoclosure () -> String, _ body: () throws(NetlinkError) -> T) throws(CNIError) -> T {
    do {
        return try body()
    } catch {
        throw CNIError(.inputOutput, "cannot \(what())", details: "\(error)")
    }
}

/// Removes an interface of this thread's network namespace, with the other end of a veth; succeeds when it is gone.
func removeLink(_ name: String, _ socket: inout RouteSocket) throws(CNIError) {
    try asking("remove the interface \(name)") { () throws(NetlinkError) in
        guard let link = try socket.link(named: name) else { return }
        try socket.removeLink(index: link.index)
    }
}

/// Throws unless the kernel answers about nftables (`CNIError` 50).
func requireNftables() throws(CNIError) {
    do {
        var socket = try NftablesSocket()
        _ = try socket.generation()
    } catch {
        throw CNIError(.unavailable, "nftables cannot be used", details: error.description)
    }
}

/// A routing socket of this thread's network namespace.
func openRouteSocket() throws(CNIError) -> RouteSocket {
    do {
        return try RouteSocket()
    } catch {
        throw CNIError(.inputOutput, "cannot ask the kernel about interfaces", details: "\(error)")
    }
}

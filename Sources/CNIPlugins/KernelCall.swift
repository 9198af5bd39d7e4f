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

/// A routing socket of this thread's network namespace.
func openRouteSocket() throws(CNIError) -> RouteSocket {
    do {
        return try RouteSocket()
    } catch {
        throw CNIError(.inputOutput, "cannot ask the kernel about interfaces", details: "\(error)")
    }
}

import Base
import CNITypes

/// Whether packets from and to 127.0.0.0/8 are routed on an interface: what localhost's connections to a pod need.
enum RouteLocalnet {
    private static func path(_ interface: String) -> String { "/proc/sys/net/ipv4/conf/\(interface)/route_localnet" }

    static func isOn(_ interface: String) throws(SystemError) -> Bool {
        try Files.readText(path(interface)) == "1"
    }

    /// - Throws: `CNIError` 5.
    static func turnOn(_ interface: String) throws(CNIError) {
        do {
            if try isOn(interface) { return }
            try Files.writeExisting(path(interface), "1")
        } catch {
            throw CNIError(
                .inputOutput, "cannot let connections of localhost leave by interface \(interface)",
                details: "\(error); with \"snat\": false the ports are not mapped for localhost, and this is not needed"
            )
        }
    }
}

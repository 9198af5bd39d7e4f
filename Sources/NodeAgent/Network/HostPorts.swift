import Base
import Kube

/// Which pod has which port of the host. Plugins know of each other's mappings only by chance; the agent knows the
/// pods.
struct HostPorts {
    private struct Claim {
        var uid: String
        var pod: String
        var port: ContainerPort
    }

    private var claims: [Claim] = []

    /// Gives the pod the host's ports that it asks for, in place of those it had.
    ///
    /// - Throws: `NetworkFailure` naming the port and the pod that has it; nothing is given then.
    mutating func claim(_ pod: Pod) throws(NetworkFailure) {
        release(pod.metadata.uid)
        let wanted = (pod.spec.sidecars + pod.spec.containers).flatMap(\.ports).filter { $0.hostPort != nil }
        for port in wanted {
            guard let other = claims.first(where: { Self.meet($0.port, port) }), let number = port.hostPort else {
                continue
            }
            let place = port.hostIP.map { " of \($0)" } ?? ""
            throw NetworkFailure("hostPort \(number)/\(port.protocol.rawValue)\(place) is taken by pod \(other.pod)")
        }
        claims += wanted.map { Claim(uid: pod.metadata.uid, pod: pod.fullName, port: $0) }
    }

    mutating func release(_ uid: String) { claims.removeAll { $0.uid == uid } }

    private static func meet(_ a: ContainerPort, _ b: ContainerPort) -> Bool {
        guard a.hostPort == b.hostPort, a.protocol == b.protocol else { return false }
        guard let first = address(a), let second = address(b) else { return true }
        return first == second
    }

    /// Nil for all addresses.
    private static func address(_ port: ContainerPort) -> String? {
        guard let address = port.hostIP, address != "0.0.0.0", address != "::" else { return nil }
        return address
    }
}

import Kube

extension PodDescription {
    mutating func writeProbes(_ container: Container) {
        let probes = [
            ("Liveness", container.livenessProbe), ("Readiness", container.readinessProbe),
            ("Startup", container.startupProbe),
        ]
        for (title, probe) in probes { if let probe { put(2, title, Self.text(probe)) } }
    }

    /// In kubectl's words.
    private static func text(_ probe: Probe) -> String {
        let what =
            switch probe.handler {
            case .exec(let action): "exec [\(action.command.joined(separator: " "))]"
            case .httpGet(let action):
                "http-get \(action.scheme.rawValue.lowercased())://\(action.host ?? ""):\(action.port)"
                    + (action.path.hasPrefix("/") ? "" : "/") + action.path
            case .tcpSocket(let action): "tcp-socket \(action.host ?? ""):\(action.port)"
            case .grpc(let action): "grpc <pod>:\(action.port) \(action.service)"
            case nil: "unknown"
            }
        return what + " delay=\(probe.initialDelaySeconds)s timeout=\(probe.timeoutSeconds)s "
            + "period=\(probe.periodSeconds)s #success=\(probe.successThreshold) #failure=\(probe.failureThreshold)"
    }
}

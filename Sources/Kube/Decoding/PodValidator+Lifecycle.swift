import JSON

/// Hooks of containers.
extension PodValidator {
    mutating func lifecycle(_ container: Container, of spec: PodSpec, isInit: Bool, _ path: FieldPath) {
        guard let lifecycle = container.lifecycle else { return }
        if isInit {
            return forbidden("may not be set for init containers without restartPolicy=Always", path)
        }
        for (name, handler) in [("postStart", lifecycle.postStart), ("preStop", lifecycle.preStop)] {
            guard let handler else { continue }
            self.handler(handler, path.field(name), grace: spec.terminationGracePeriodSeconds)
        }
        guard let signal = lifecycle.stopSignal else { return }
        if value(at: FieldPath().field("spec").field("os").field("name"))?.stringValue != "linux" {
            forbidden("may not be set for containers with empty `spec.os.name`", path.field("stopSignal"))
        } else if !Lifecycle.stopSignals.contains(signal) {
            unsupported(signal, Lifecycle.stopSignals.sorted(), path.field("stopSignal"))
        }
    }

    private mutating func handler(_ handler: LifecycleHandler, _ path: FieldPath, grace: Int64) {
        let action: Probe.Handler? =
            handler.exec.map { .exec($0) } ?? handler.httpGet.map { .httpGet($0) }
            ?? handler.tcpSocket.map { .tcpSocket($0) }
        guard action == nil, let seconds = handler.sleep?.seconds else {
            return self.handler(action, ["exec", "httpGet", "tcpSocket", "sleep"], path)
        }
        if (0...max(0, grace)).contains(seconds) { return }
        let detail = "must be non-negative and less than terminationGracePeriodSeconds (\(grace))"
        invalid(seconds, detail, path.field("sleep"))
    }
}

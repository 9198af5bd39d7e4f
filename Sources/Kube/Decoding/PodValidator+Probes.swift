import JSON

/// Probes, and what a node does in or with a container.
extension PodValidator {
    /// - Parameter isInit: of an init container, which ends: nothing is there to be looked at.
    mutating func probes(_ container: Container, _ path: FieldPath, isInit: Bool) {
        let probes = [
            ("livenessProbe", container.livenessProbe), ("readinessProbe", container.readinessProbe),
            ("startupProbe", container.startupProbe),
        ]
        for (field, probe) in probes {
            guard let probe else { continue }
            let path = path.field(field)
            if isInit {
                forbidden("may not be set for init containers without restartPolicy=Always", path)
                continue
            }
            self.probe(probe, container, path)
            if field == "readinessProbe", let grace = probe.terminationGracePeriodSeconds {
                invalid(grace, "must not be set for readinessProbes", path.field("terminationGracePeriodSeconds"))
            } else if field != "readinessProbe", probe.successThreshold != 1 {
                invalid(Int64(probe.successThreshold), "must be 1", path.field("successThreshold"))
            }
        }
    }

    private mutating func probe(_ probe: Probe, _ container: Container, _ path: FieldPath) {
        handler(probe.handler, ["exec", "httpGet", "tcpSocket", "grpc"], path)
        let numbers = [
            ("initialDelaySeconds", probe.initialDelaySeconds), ("timeoutSeconds", probe.timeoutSeconds),
            ("periodSeconds", probe.periodSeconds), ("successThreshold", probe.successThreshold),
            ("failureThreshold", probe.failureThreshold),
        ]
        for (field, number) in numbers where number < 0 {
            invalid(Int64(number), "must be greater than or equal to 0", path.field(field))
        }
        if let grace = probe.terminationGracePeriodSeconds, grace <= 0 {
            invalid(grace, "must be greater than 0", path.field("terminationGracePeriodSeconds"))
        }
    }

    /// Exactly one of `fields`, as it must be.
    mutating func handler(_ handler: Probe.Handler?, _ fields: [String], _ path: FieldPath) {
        let found = fields.filter { value(at: path.field($0)) != nil }
        for field in found.dropFirst() { forbidden("may not specify more than 1 handler type", path.field(field)) }
        switch handler {
        case nil: required(path, "must specify a handler type")
        case .exec(let action):
            if action.command.isEmpty { required(path.field("exec").field("command")) }
        case .httpGet(let action):
            let path = path.field("httpGet")
            port(action.port, path.field("port"))
            for (n, header) in action.httpHeaders.enumerated() where !Names.isHeader(header.name) {
                invalid(
                    header.name,
                    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex "
                        + "used for validation is '[-A-Za-z0-9]+')", path.field("httpHeaders")[n].field("name"))
            }
        case .tcpSocket(let action): port(action.port, path.field("tcpSocket").field("port"))
        case .grpc(let action): port(.number(Int64(action.port)), path.field("grpc").field("port"))
        }
    }

    mutating func port(_ port: PortReference, _ path: FieldPath) {
        guard value(at: path) != nil else { return required(path) }
        switch port {
        case .number(let number): inRange(number, 1...65535, path)
        case .name(let name): self.name(name, path, Names.portName)
        }
    }
}

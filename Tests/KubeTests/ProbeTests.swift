import JSON
import Kube
import Testing

@Suite("Probes are what the API server takes for probes")
struct ProbeTests {
    private static func probe(_ text: String, _ kind: String = "readinessProbe") throws -> Probe? {
        let container = try decode(pod(container: "\(kind): \(text)")).pod.spec.containers.first
        return container?.readinessProbe ?? container?.livenessProbe ?? container?.startupProbe
    }

    /// What is wrong, without the places in the text.
    private static func wrong(_ container: String) throws -> [String] {
        try problems(pod(container: container)).map {
            String($0.split(separator: ": ", maxSplits: 1).last ?? "").replacing("spec.containers[0].", with: "")
        }
    }

    @Test("What is left open has the API server's defaults, and so has 0")
    func defaults() throws {
        let wanted = Probe(.tcpSocket(TCPSocketAction(port: .number(80))))
        #expect(try Self.probe("{tcpSocket: {port: 80}}") == wanted)
        let zeros =
            "initialDelaySeconds: 0, timeoutSeconds: 0, periodSeconds: 0, successThreshold: 0, failureThreshold: 0"
        #expect(try Self.probe("{tcpSocket: {port: 80}, \(zeros)}") == wanted)
        #expect(wanted.timeoutSeconds == 1 && wanted.periodSeconds == 10 && wanted.initialDelaySeconds == 0)
        #expect(wanted.successThreshold == 1 && wanted.failureThreshold == 3)
        #expect(
            try Self.probe("{httpGet: {port: 80}}")?.handler == .httpGet(HTTPGetAction(path: "/", port: .number(80))))
    }

    @Test("A port is a number, or a name that the container gives it")
    func ports() throws {
        var container = Container(name: "c", image: "i")
        container.ports = [ContainerPort(containerPort: 8080, name: "http")]
        #expect(PortReference.number(80).number(in: container) == 80)
        #expect(PortReference.name("http").number(in: container) == 8080)
        #expect(PortReference.name("other").number(in: container) == nil)
        #expect(PortReference.number(70000).number(in: container) == nil)
    }

    @Test("A probe has exactly one handler, with what it needs")
    func handlers() throws {
        #expect(try Self.wrong("livenessProbe: {}") == ["livenessProbe: Required value: must specify a handler type"])
        #expect(
            try Self.wrong("livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 1}}")
                == ["livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"])
        #expect(try Self.wrong("livenessProbe: {exec: {}}") == ["livenessProbe.exec.command: Required value"])
        #expect(try Self.wrong("livenessProbe: {tcpSocket: {}}") == ["livenessProbe.tcpSocket.port: Required value"])
        #expect(
            try Self.wrong("startupProbe: {httpGet: {port: 0}}")
                == ["startupProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive"])
        #expect(
            try Self.wrong("startupProbe: {httpGet: {port: Web}}")
                == [
                    "startupProbe.httpGet.port: Invalid value: \"Web\": must contain only alphanumeric characters (a-z, "
                        + "0-9), and hyphens ('-')"
                ])
        #expect(
            try Self.wrong("startupProbe: {httpGet: {port: 1, scheme: ftp}}")
                == [
                    "startupProbe.httpGet.scheme: Unsupported value: \"ftp\": supported values: \"HTTP\", \"HTTPS\""
                ])
        #expect(
            try Self.wrong("startupProbe: {grpc: {port: 70000}}")
                == ["startupProbe.grpc.port: Invalid value: 70000: must be between 1 and 65535, inclusive"])
        let header = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex "
        #expect(
            try Self.wrong("startupProbe: {httpGet: {port: 1, httpHeaders: [{name: a b, value: c}]}}")
                == [
                    "startupProbe.httpGet.httpHeaders[0].name: Invalid value: \"a b\": \(header)used for validation is "
                        + "'[-A-Za-z0-9]+')"
                ])
    }

    @Test("Numbers are those that the API server takes")
    func numbers() throws {
        #expect(
            try Self.wrong(
                "readinessProbe: {exec: {command: [a]}, periodSeconds: -1, terminationGracePeriodSeconds: 5}")
                == [
                    "readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
                    "readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes",
                ])
        for kind in ["livenessProbe", "startupProbe"] {
            #expect(
                try Self.wrong("\(kind): {exec: {command: [a]}, successThreshold: 2, terminationGracePeriodSeconds: 0}")
                    == [
                        "\(kind).successThreshold: Invalid value: 2: must be 1",
                        "\(kind).terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0",
                    ])
        }
        #expect(try Self.probe("{exec: {command: [a]}, successThreshold: 3}")?.successThreshold == 3)
    }

    @Test("Init containers have none")
    func initContainers() throws {
        let text = pod(spec: "initContainers: [{name: i, image: i, livenessProbe: {tcpSocket: {port: 1}}}],")
        #expect(
            try problems(text).map { $0.hasSuffix("may not be set for init containers without restartPolicy=Always") }
                == [true])
    }
}

import Base
import HTTP
import HTTPClient
import Kube
import PodRuntime

extension PodSandbox {
    public func probe(
        _ probe: Probe, container name: String, completion: @escaping (ProbeOutcome) -> Void
    ) -> ProbeRun {
        // Without putting the lists together: this is done for every probe.
        let container =
            pod.spec.containers.first { $0.name == name } ?? pod.spec.initContainers.first { $0.name == name }
        guard let container, let handler = probe.handler else {
            return failed("the pod has no container \(name) with a probe", completion)
        }
        let timeout = Nanoseconds.seconds(Int64(probe.timeoutSeconds))
        switch handler {
        case .exec(let action):
            guard let client else { return failed("the pod's supervisor is gone", completion) }
            let values = Dictionary(container.env.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
            let command = action.command.map { VariableExpansion.expand($0) { values[$0] } }
            let run = ExecProbe(
                command, in: name, of: client, timeout: timeout, loop: node.loop, completion: completion)
            return ProbeRun { run.cancel() }
        case .tcpSocket(let action):
            guard let host = action.host ?? probedAddress else { return failed(Self.noAddress, completion) }
            guard let port = action.port.number(in: container) else { return failed(action.port, name, completion) }
            let run = TCPProbe(host, port, timeout: timeout, loop: node.loop, work: LoopWork(node.pool)) { failure in
                completion(failure.map { ProbeOutcome.failure($0) } ?? .success)
            }
            return ProbeRun { run.cancel() }
        case .grpc(let action):
            guard let host = probedAddress else { return failed(Self.noAddress, completion) }
            let run = GRPCProbe(
                host, UInt16(clamping: action.port), service: action.service, timeout: timeout, loop: node.loop,
                work: LoopWork(node.pool)
            ) { failure in completion(failure.map { ProbeOutcome.failure($0) } ?? .success) }
            return ProbeRun { run.cancel() }
        case .httpGet(let action):
            guard let host = action.host ?? probedAddress else { return failed(Self.noAddress, completion) }
            guard let port = action.port.number(in: container) else { return failed(action.port, name, completion) }
            let url: HTTPURL
            do throws(HTTPError) {
                url = try HTTPURL(isSecure: action.scheme == .https, host: host, port: port, path: action.path)
            } catch {
                return failed("the URL of \(host) cannot be asked: \(error.message)", completion)
            }
            let fields = action.httpHeaders.map { HTTPHeaders.Field($0.name, $0.value) }
            let run = HTTPProbe(
                url, fields: fields, timeout: timeout, trust: node.probeTrust, loop: node.loop,
                work: LoopWork(node.pool)
            ) { completion(ProbeOutcome($0)) }
            return ProbeRun { run.cancel() }
        }
    }

    /// Where the containers' ports are, as the pod's status says it.
    var probedAddress: String? {
        pod.spec.hostNetwork ? node.facts.addresses.first ?? "127.0.0.1" : addresses.first
    }

    private static let noAddress = "the pod has no address"

    private func failed(
        _ port: PortReference, _ container: String, _ completion: @escaping (ProbeOutcome) -> Void
    ) -> ProbeRun {
        failed("couldn't find port \"\(port)\" in container \"\(container)\"", completion)
    }

    private func failed(_ message: String, _ completion: @escaping (ProbeOutcome) -> Void) -> ProbeRun {
        node.loop.enqueue { completion(.error(message)) }
        return ProbeRun {}
    }
}

extension ProbeOutcome {
    init(_ outcome: HTTPProbe.Outcome) {
        switch outcome {
        case .success: self = .success
        case .redirected(let body): self = .warning("Probe terminated redirects, Response body: \(body)")
        case .failure(let message): self = .failure(message)
        case .unfinished(let message): self = .error(message)
        }
    }
}

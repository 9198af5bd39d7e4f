import Base
import Kube

/// `port-forward`: ports of this machine that lead to ports of a pod.
enum PortForwardCommand {
    static let command = Command(
        "port-forward", "POD [LOCAL:]PORT...", "let local ports lead to ports of a pod", count: 2...64,
        options: [
            Option("address", value: "ADDRESS", "listen there instead of on localhost"), GetCommand.namespace,
        ],
        details: """
            swiftlet port-forward web 8080:80     http://localhost:8080 is port 80 of the pod
            swiftlet port-forward web :80         a free local port, which is said

            It goes on until it is interrupted. The pod sees connections from its own localhost.
            """
    ) { (invocation, tool) throws(CLIError) in
        let ports = try invocation.arguments.dropFirst().map { (text) throws(CLIError) in try Ports(text) }
        let agent = try tool.agent()
        let pod = Pod(try PodName.fetch(invocation.arguments[0], invocation, agent))
        guard pod.status.phase == .running else {
            throw .failed(
                "pod \(pod.metadata.name) does not run: its phase is \(pod.status.phase?.rawValue ?? "unknown")")
        }
        let forwarder: PortForwarder
        do throws(SystemError) {
            forwarder = PortForwarder(
                try EventLoop(), tool, path: ["portForward", pod.metadata.namespace, pod.metadata.name])
            for port in ports {
                let local = try forwarder.listen(at: invocation["address"] ?? "127.0.0.1", port)
                tool.output.line("Forwarding from \(local) -> \(port.remote)")
            }
            tool.output.flush()
            try forwarder.run()
        } catch {
            throw .failed("\(error)")
        }
        return 0
    }

    /// `8080:80`, `80`, `:80`.
    struct Ports: Equatable {
        /// 0 for a free one.
        var local: UInt16
        var remote: UInt16

        init(_ text: String) throws(CLIError) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, let remote = parts.last.flatMap({ UInt16($0) }), remote > 0,
                let local = parts.count == 1 ? remote : parts[0].isEmpty ? 0 : UInt16(parts[0])
            else { throw .usage("port-forward: \"\(text)\" is not [LOCAL:]PORT") }
            self.local = local
            self.remote = remote
        }
    }
}

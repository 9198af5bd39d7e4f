import Base
import HTTP
import JSON
import Kube

/// Names of pods as people type them.
enum PodName {
    /// `web` of `web` and `pod/web`.
    static func plain(_ text: String) -> String {
        for prefix in ["pod/", "pods/", "po/"] where text.hasPrefix(prefix) {
            return String(text.dropFirst(prefix.count))
        }
        return text
    }

    /// The sentence for a pod that is not there. Pods from manifests have the node's name after theirs, which is
    /// easily forgotten.
    static func notFound(_ name: String, among names: [String]) -> String {
        let longer = names.filter { $0.hasPrefix(name + "-") }
        let hint = longer.count == 1 ? longer.first : Spelling.closest(to: name, among: names)
        return "pods \"\(name)\" not found" + (hint.map { "; did you mean \"\($0)\"?" } ?? "")
    }

    /// The pod of that name.
    ///
    /// - Throws: `CLIError` when there is none.
    static func fetch(_ text: String, _ invocation: Invocation, _ agent: AgentClient) throws(CLIError) -> JSONValue {
        let name = plain(text)
        let all = try agent.json("GET", GetCommand.target(Tool.namespace(invocation)))["items"]?.arrayValue ?? []
        guard let pod = all.first(where: { GetCommand.name($0) == name }) else {
            throw .failed(notFound(name, among: all.map { GetCommand.name($0) }))
        }
        return pod
    }

    /// The container that is meant: the one named, the annotated one, or the first, which is then said.
    static func container(_ name: String?, of pod: Pod, _ tool: Tool) throws(CLIError) -> String {
        let names = pod.spec.allContainers.map(\.name)
        if let name {
            guard names.contains(name) else {
                throw .failed(
                    "container \(name) is not valid for pod \(pod.metadata.name); one of: "
                        + names.joined(separator: ", "))
            }
            return name
        }
        if let name = pod.metadata.annotations["kubectl.kubernetes.io/default-container"], names.contains(name) {
            return name
        }
        guard let first = pod.spec.containers.first?.name else {
            throw .failed("pod \(pod.metadata.name) has no containers")
        }
        if names.count > 1 {
            let initNames = Set(pod.spec.initContainers.map(\.name))
            let others = (pod.spec.containers + pod.spec.initContainers)
                .map { $0.name + (initNames.contains($0.name) ? " (init)" : "") }
            tool.say(Printable.line("Defaulted container \"\(first)\" out of: \(others.joined(separator: ", "))"))
        }
        return first
    }
}

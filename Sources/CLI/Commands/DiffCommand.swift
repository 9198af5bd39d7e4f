import JSON
import Kube
import PodSources
import YAML

/// `diff -f`: what would change if the manifests were applied.
enum DiffCommand {
    static let command = Command(
        "diff", "", "show what applying manifests would change", count: 0...0,
        options: [ManifestInput.option, GetCommand.namespace],
        details: """
            A unified diff of the pods that run and of the manifests, defaults filled in on both sides; of ConfigMaps and
            Secrets beside those in the agent's folder. Values of a Secret are never shown, only which of them differ.
            Exit codes: 0 no difference, 1 a difference, 2 or 3 when they could not be compared.
            """
    ) { (invocation, tool) throws(CLIError) in
        let files = invocation.options["filename"] ?? []
        if files.isEmpty { throw .usage("diff: what? Give a file, a folder or \"-\" with -f") }
        var isDifferent = false
        do throws(CLIError) {
            let inputs = try ManifestInput.read(files, namespace: invocation["namespace"])
            let pods = try tool.agent().json("GET", GetCommand.target(nil))["items"]?.arrayValue ?? []
            let objects = inputs.flatMap(\.items).compactMap(\.object)
            if !objects.isEmpty, try showObjects(objects, tool) { isDifferent = true }
            for wanted in inputs.flatMap(\.pods) {
                let live = pods.map { Pod($0) }.first {
                    $0.metadata.name == wanted.key.name && $0.metadata.namespace == wanted.key.namespace
                }
                let lines = UnifiedDiff(live.map(text) ?? "", text(wanted.pod)).text
                if lines.isEmpty { continue }
                isDifferent = true
                show(lines, "v1.Pod.\(wanted.key.namespace).\(wanted.key.name)", tool)
            }
        } catch {
            // 1 is taken: it says that there is a difference.
            throw CLIError(error.code == .failed ? .usage : error.code, error.message)
        }
        return isDifferent ? 1 : 0
    }

    private static func show(_ lines: [String], _ name: String, _ tool: Tool) {
        let head = ["diff -u LIVE/\(name) MANIFEST/\(name)", "--- LIVE/\(name)", "+++ MANIFEST/\(name)"]
        for line in head + lines { tool.output.line(coloured(Printable.line(line), tool.output.isColoured)) }
    }

    /// ConfigMaps and Secrets beside those in the agent's folder.
    private static func showObjects(_ objects: [DataObject], _ tool: Tool) throws(CLIError) -> Bool {
        let store = try ManifestStore(tool, try ApplyCommand.reachable(tool))
        var isDifferent = false
        for object in objects {
            let key = object.key
            let place = PodKey(namespace: key.namespace, name: key.name)
            let live = store.manifest(.init(kind: .object(key.kind), key: place))?.object
            if live == object { continue }
            isDifferent = true
            let texts = (live.map { YAMLWriter.text(masked($0, beside: object, "before")) } ?? "")
            let lines = UnifiedDiff(texts, YAMLWriter.text(masked(object, beside: live, "after"))).text
            show(lines, "v1.\(key.kind.rawValue).\(key.namespace).\(key.name)", tool)
        }
        return isDifferent
    }

    /// A Secret with stars for its values.
    private static func masked(_ object: DataObject, beside other: DataObject?, _ word: String) -> JSONValue {
        guard object.kind == .secret, var value = object.shown.objectValue else { return object.shown }
        var data = JSONObject()
        for (key, bytes) in object.data.sorted(by: { $0.key < $1.key }) {
            let isSame = other == nil || other?.data[key] == nil || other?.data[key] == bytes
            data.append(key, .string(isSame ? "***" : "*** (\(word))"))
        }
        if !object.data.isEmpty { value["data"] = .object(data) }
        return .object(value)
    }

    /// What a manifest can say of a pod.
    private static func text(_ pod: Pod) -> String {
        var pod = pod
        pod.metadata.uid = ""
        pod.metadata.generation = nil
        pod.metadata.creationTimestamp = nil
        pod.metadata.deletionTimestamp = nil
        pod.metadata.deletionGracePeriodSeconds = nil
        pod.spec.nodeName = nil
        pod.spec.ephemeralContainers = []
        guard var object = pod.json.objectValue else { return "" }
        object["status"] = nil
        return YAMLWriter.text(.object(object))
    }

    private static func coloured(_ line: String, _ isColoured: Bool) -> String {
        guard isColoured else { return line }
        switch line.first {
        case "-": return "\u{1B}[31m\(line)\u{1B}[0m"
        case "+": return "\u{1B}[32m\(line)\u{1B}[0m"
        case "@": return "\u{1B}[36m\(line)\u{1B}[0m"
        default: return line
        }
    }
}

import HTTP
import JSON
import Kube

/// `get volumes`: the volumes of pods.
enum VolumeList {
    static func run(_ invocation: Invocation, _ tool: Tool) throws(CLIError) -> Int32 {
        let format = try OutputFormat(invocation["output"])
        let namespace = invocation.flag("all-namespaces") ? nil : Tool.namespace(invocation)
        let selector: LabelSelector?
        if let text = invocation["selector"] { selector = try LabelSelector(text) } else { selector = nil }
        let names = Set(invocation.arguments.dropFirst())
        let items = try tool.agent().json("GET", GetCommand.target(namespace))["items"]?.arrayValue ?? []
        let pods = items.map { Pod($0) }.filter { selector?.matches($0.metadata.labels) ?? true }
        let volumes = pods.flatMap { pod in
            pod.spec.volumes.filter { names.isEmpty || names.contains($0.name) }.map { object(pod, $0) }
        }
        var printer = ObjectPrinter(format, hasHeader: !invocation.flag("no-headers"), output: tool.output)
        let name = { (volume: JSONValue) in "volume/\(volume.text("pod"))/\(volume.text("name"))" }
        if try printer.list(volumes, isSingle: false, name: name) { return 0 }
        if volumes.isEmpty {
            tool.say("No volumes found" + (namespace.map { " in \($0) namespace." } ?? "."))
            return 0
        }
        var table = Table((namespace == nil ? ["NAMESPACE"] : []) + ["POD", "NAME", "TYPE", "SOURCE", "MOUNTED AT"])
        let rows = volumes.map { volume -> [Table.Cell] in
            let mounts = (volume["mounts"]?.arrayValue ?? []).map { mount in
                "\(mount.text("container")):\(mount.text("path"))" + (mount["readOnly"] == true ? " (ro)" : "")
            }
            let cells =
                ["pod", "name", "type", "source"].map { volume.text($0) }
                + [mounts.isEmpty ? "<none>" : mounts.joined(separator: ",")]
            return ((namespace == nil ? [volume.text("namespace")] : []) + cells).map { .init($0) }
        }
        tool.output.put(table.text(rows, withHeader: !invocation.flag("no-headers"), isColoured: false).utf8)
        return 0
    }

    /// What is known of a volume, for programs.
    private static func object(_ pod: Pod, _ volume: Volume) -> JSONValue {
        let (type, source) = describe(volume)
        let mounts = pod.spec.allContainers.flatMap { container in
            container.volumeMounts.filter { $0.name == volume.name }.map { mount -> JSONValue in
                [
                    "container": .string(container.name), "path": .string(mount.mountPath),
                    "readOnly": .bool(mount.readOnly),
                ]
            }
        }
        return [
            "namespace": .string(pod.metadata.namespace), "pod": .string(pod.metadata.name),
            "name": .string(volume.name), "type": .string(type), "source": .string(source), "mounts": .array(mounts),
        ]
    }

    private static func describe(_ volume: Volume) -> (type: String, source: String) {
        if let folder = volume.emptyDir {
            let medium = folder.medium == .memory ? "Memory" : "node's disk"
            return ("emptyDir", medium + (folder.sizeLimit.map { ", at most \($0)" } ?? ""))
        }
        if let host = volume.hostPath { return ("hostPath", host.path) }
        if let claim = volume.claim { return ("persistentVolumeClaim", claim.claimName) }
        if let image = volume.image { return ("image", image.reference) }
        if let files = volume.files {
            let names = volume.dataSources.map { "\($0.kind.word)/\($0.name)" }
            return (files.field.rawValue, names.isEmpty ? "the pod" : names.joined(separator: ","))
        }
        // The kind is the key of what the API prints.
        let kind = volume.json.objectValue?.members.first { $0.key != "name" }?.key
        return (kind ?? "<unknown>", "<none>")
    }
}

extension JSONValue {
    /// The text of a member; empty without one.
    func text(_ key: String) -> String { self[key]?.stringValue ?? "" }
}

import HTTP
import JSON
import Kube

/// `get configmaps`, `secrets`, `pv` and `pvc`: as the agent has them. It gives nobody what a Secret holds.
enum ObjectList {
    static func run(
        _ kind: DataObject.Kind, _ names: [String], _ invocation: Invocation, _ tool: Tool
    ) throws(CLIError) -> Int32 {
        let format = try OutputFormat(invocation["output"])
        let namespace = invocation.flag("all-namespaces") || !kind.isNamespaced ? nil : Tool.namespace(invocation)
        let selector: LabelSelector?
        if let text = invocation["selector"] { selector = try LabelSelector(text) } else { selector = nil }
        var target = RequestTarget(path: ["swiftlet", "v1", kind.word + "s"])
        if let namespace { target.query.append(.init("namespace", namespace)) }
        let all = try tool.agent().json("GET", target)["items"]?.arrayValue ?? []
        let objects = all.filter { object in
            (names.isEmpty || names.contains(GetCommand.name(object)))
                && selector?.matches(ObjectMeta(object["metadata"] ?? .null).labels) ?? true
        }
        let missing = names.filter { name in !objects.contains { GetCommand.name($0) == name } }
        try show(objects, kind, names, format, namespace, invocation, tool)
        if missing.isEmpty || invocation.flag("ignore-not-found") { return 0 }
        for name in missing { tool.say("error: \(kind.word)s \"\(name)\" not found") }
        return CLIError.Code.failed.rawValue
    }

    private static func show(
        _ objects: [JSONValue], _ kind: DataObject.Kind, _ names: [String], _ format: OutputFormat,
        _ namespace: String?, _ invocation: Invocation, _ tool: Tool
    ) throws(CLIError) {
        if objects.isEmpty, !names.isEmpty { return }
        let hasHeader = !invocation.flag("no-headers")
        var printer = ObjectPrinter(format, hasHeader: hasHeader, output: tool.output)
        let name = { (object: JSONValue) in "\(kind.word)/\(GetCommand.name(object))" }
        if try printer.list(objects, isSingle: names.count == 1, name: name) { return }
        if objects.isEmpty {
            tool.say("No resources found" + (namespace.map { " in \($0) namespace." } ?? ""))
            return
        }
        let hasNamespace = namespace == nil && kind.isNamespaced
        var table = Table((hasNamespace ? ["NAMESPACE"] : []) + ["NAME"] + columns(kind))
        let rows = objects.map { object -> [Table.Cell] in
            let own = [GetCommand.name(object)] + cells(object, kind)
            return ((hasNamespace ? [object["metadata"]?.text("namespace") ?? ""] : []) + own).map { .init($0) }
        }
        tool.output.put(table.text(rows, withHeader: hasHeader, isColoured: tool.output.isColoured).utf8)
    }

    /// kubectl's, as far as there is something to say.
    private static func columns(_ kind: DataObject.Kind) -> [String] {
        switch kind {
        case .configMap: ["DATA"]
        case .secret: ["TYPE", "DATA"]
        case .volume: ["CAPACITY", "ACCESS MODES", "STATUS", "CLAIM", "STORAGECLASS", "SOURCE"]
        case .claim: ["STATUS", "VOLUME", "REQUEST", "ACCESS MODES", "STORAGECLASS"]
        }
    }

    private static func cells(_ object: JSONValue, _ kind: DataObject.Kind) -> [String] {
        let spec = object["spec"] ?? .null
        let status = object["status"]?.text("phase") ?? ""
        let short = [
            "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP",
        ]
        let modes = (spec["accessModes"]?.arrayValue ?? []).compactMap { $0.stringValue.map { short[$0] ?? $0 } }
            .joined(separator: ",")
        func amount(_ value: JSONValue?) -> String {
            value?["storage"].map { $0.stringValue ?? JSONWriter().text($0) } ?? ""
        }
        switch kind {
        case .configMap, .secret:
            let count = ["data", "binaryData"].reduce(0) { $0 + (object[$1]?.objectValue?.members.count ?? 0) }
            return (kind == .secret ? [object.text("type")] : []) + ["\(count)"]
        case .volume:
            let claim = spec["claimRef"].map { "\($0.text("namespace"))/\($0.text("name"))" } ?? ""
            let source = ["local", "hostPath"].compactMap { spec[$0]?.text("path") }.first ?? ""
            return [amount(spec["capacity"]), modes, status, claim, spec.text("storageClassName"), source]
        case .claim:
            return [
                status, spec.text("volumeName"), amount(spec["resources"]?["requests"]), modes,
                spec.text("storageClassName"),
            ]
        }
    }
}

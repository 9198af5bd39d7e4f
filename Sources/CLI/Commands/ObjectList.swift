import HTTP
import JSON
import Kube

/// `get configmaps` and `get secrets`: as the agent has them. It gives nobody what a Secret holds.
enum ObjectList {
    static func run(
        _ kind: DataObject.Kind, _ names: [String], _ invocation: Invocation, _ tool: Tool
    ) throws(CLIError) -> Int32 {
        let format = try OutputFormat(invocation["output"])
        let namespace = invocation.flag("all-namespaces") ? nil : Tool.namespace(invocation)
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
        let columns = (namespace == nil ? ["NAMESPACE"] : []) + ["NAME"] + (kind == .secret ? ["TYPE"] : []) + ["DATA"]
        var table = Table(columns)
        let rows = objects.map { object -> [Table.Cell] in
            var cells = namespace == nil ? [object["metadata"]?.text("namespace") ?? ""] : []
            cells.append(GetCommand.name(object))
            if kind == .secret { cells.append(object.text("type")) }
            let count = ["data", "binaryData"].reduce(0) { $0 + (object[$1]?.objectValue?.members.count ?? 0) }
            return (cells + ["\(count)"]).map { .init($0) }
        }
        tool.output.put(table.text(rows, withHeader: hasHeader, isColoured: tool.output.isColoured).utf8)
    }
}

import Base
import HTTP
import JSON
import Kube

/// `get pods`, and what else there is to list.
enum GetCommand {
    static let output = Option("output", "o", value: "FORMAT", OutputFormat.words)
    static let namespace = Option("namespace", "n", value: "NAME", "the pods' namespace (default: default)")
    static let allNamespaces = Option("all-namespaces", "A", "pods of all namespaces")
    static let noHeaders = Option("no-headers", nil, "no line of column names")
    static let watch = Option("watch", "w", "go on with every change")
    static let selector = Option("selector", "l", value: "QUERY", "by labels: app=web,tier!=test,env in (a,b),!old")

    static let command = Command(
        "get", "pods|configmaps|secrets|pv|pvc|events|images|volumes [NAME...]", "list pods and what belongs to them",
        count: 1...64,
        options: [
            output, namespace, allNamespaces, selector,
            Option("field-selector", value: "QUERY", "by fields: status.phase=Running"),
            noHeaders, Option("show-labels", nil, "with a column of all labels"),
            Option("label-columns", "L", value: "KEYS", "with a column for each of these labels"),
            Option("sort-by", value: "PATH", "by a field, .metadata.name for example"), watch,
            Option("watch-only", nil, "only the changes from now on"),
            Option("output-watch-events", nil, "with what happened to each, of a watch"),
            Option("ignore-not-found", nil, "no failure for a pod that is not there"),
        ],
        details: """
            swiftlet get pods                  pods of the namespace "default", and what is wrong with the manifests
            swiftlet get pods -A -o wide       all pods, with addresses and node
            swiftlet get pod web-1 -o yaml     one pod as the API has it
            swiftlet get secrets               which there are; what they hold is never shown, only its length
            swiftlet get pods -l app=web -w    those with the label, and then a line for every change
            swiftlet get pods -o jsonpath='{range .items[*]}{.metadata.name}{"\\n"}{end}'
            swiftlet get pods -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image
            """
    ) { (invocation, tool) throws(CLIError) in
        var kind = invocation.arguments[0]
        var names = Array(invocation.arguments.dropFirst())
        // `get pod/web` is `get pod web`.
        if let slash = kind.firstIndex(of: "/") {
            names.insert(String(kind[kind.index(after: slash)...]), at: 0)
            kind = String(kind[..<slash])
        }
        switch kind {
        case "pods", "pod", "po": return try pods(names.map(PodName.plain), invocation, tool)
        case "configmaps", "configmap", "cm": return try ObjectList.run(.configMap, names, invocation, tool)
        case "secrets", "secret": return try ObjectList.run(.secret, names, invocation, tool)
        case "pv", "persistentvolumes", "persistentvolume":
            return try ObjectList.run(.volume, names, invocation, tool)
        case "pvc", "persistentvolumeclaims", "persistentvolumeclaim":
            return try ObjectList.run(.claim, names, invocation, tool)
        case "events", "event", "ev": return try EventsCommand.run(invocation, tool)
        case "images", "image": return try ImageList.print(invocation, tool)
        case "volumes", "volume", "vol": return try VolumeList.run(invocation, tool)
        default:
            let kinds = ["pods", "configmaps", "secrets", "pv", "pvc", "events", "images", "volumes"]
            let hint =
                Spelling.closest(to: kind, among: kinds)
                .map { "; did you mean \"\($0)\"?" } ?? "; one of: \(kinds.joined(separator: ", "))"
            throw .usage("get: \"\(kind)\" is not known\(hint)")
        }
    }

    private static func pods(
        _ names: [String], _ invocation: Invocation, _ tool: Tool
    ) throws(CLIError) -> Int32 {
        let format = try OutputFormat(invocation["output"])
        let namespace = invocation.flag("all-namespaces") ? nil : Tool.namespace(invocation)
        var view = PodView(
            names: Set(names), namespace: namespace, format: format,
            hasHeader: !invocation.flag("no-headers"), tool: tool)
        if let text = invocation["selector"] { view.labels = try LabelSelector(text) }
        if let text = invocation["field-selector"] { view.fields = try FieldSelector(text) }
        if !names.isEmpty, view.labels != nil || view.fields != nil {
            throw .usage("get pods: a name and a selector are one too many; leave one out")
        }
        view.labelColumns = (invocation.options["label-columns"] ?? [])
            .flatMap { $0.split(separator: ",").map(String.init) }
        view.showsLabels = invocation.flag("show-labels")
        view.showsEvents = invocation.flag("output-watch-events")
        let list = PodList(view: view, names: names, ignoresMissing: invocation.flag("ignore-not-found"))
        if invocation.flag("watch") || invocation.flag("watch-only") {
            return try list.watch(showsFirst: !invocation.flag("watch-only"))
        }
        return try list.show(sortedBy: invocation["sort-by"])
    }

    // MARK: Parts

    static func target(_ namespace: String?) -> RequestTarget {
        var target = RequestTarget(path: ["swiftlet", "v1", "pods"])
        if let namespace { target.query.append(.init("namespace", namespace)) }
        return target
    }

    static func name(_ pod: JSONValue) -> String { pod["metadata"]?["name"]?.stringValue ?? "" }

    /// A List as kubectl prints one.
    static func list(_ items: [JSONValue]) -> JSONValue {
        ["apiVersion": "v1", "items": .array(items), "kind": "List", "metadata": ["resourceVersion": ""]]
    }
}

import Base
import HTTP
import JSON
import Kube
import YAML

/// `get pods`, and `get events|images` as kubectl's users look for them.
enum GetCommand {
    static let output = Option("output", "o", value: "FORMAT", "wide, json, yaml or name")
    static let namespace = Option("namespace", "n", value: "NAME", "the pods' namespace (default: default)")
    static let allNamespaces = Option("all-namespaces", "A", "pods of all namespaces")
    static let noHeaders = Option("no-headers", nil, "no line of column names")
    static let watch = Option("watch", "w", "go on with every change")

    static let command = Command(
        "get", "pods|events|images [NAME...]", "list pods, events or images", count: 1...64,
        options: [output, namespace, allNamespaces, noHeaders, watch],
        details: """
            swiftlet get pods                  pods of the namespace "default", and what is wrong with the manifests
            swiftlet get pods -A -o wide       all pods, with addresses and node
            swiftlet get pod web-1 -o yaml     one pod as the API has it
            swiftlet get pods -w               the list, and then a line for every change
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
        case "events", "event", "ev": return try EventsCommand.run(invocation, tool)
        case "images", "image": return try ImageCommands.printList(invocation, tool)
        default:
            let hint =
                Spelling.closest(to: kind, among: ["pods", "events", "images"])
                .map { "; did you mean \"\($0)\"?" } ?? "; one of: pods, events, images"
            throw .usage("get: \"\(kind)\" is not known\(hint)")
        }
    }

    private static func pods(
        _ names: [String], _ invocation: Invocation, _ tool: Tool
    ) throws(CLIError) -> Int32 {
        let format = try OutputFormat(invocation["output"])
        let namespace = invocation.flag("all-namespaces") ? nil : Tool.namespace(invocation)
        let view = PodView(
            names: Set(names), namespace: namespace, format: format,
            hasHeader: !invocation.flag("no-headers"), tool: tool)
        return invocation.flag("watch") ? try watch(view) : try list(view, names)
    }

    // MARK: Once

    private static func list(_ view: PodView, _ names: [String]) throws(CLIError) -> Int32 {
        let agent = try view.tool.agent()
        let all = try agent.json("GET", target(view.namespace))["items"]?.arrayValue ?? []
        let pods = all.filter(view.isWanted)
        let missing = names.filter { name in !pods.contains { Self.name($0) == name } }
        // Problems have nothing to do with a question about one pod.
        let problems = names.isEmpty ? try Problem.read(agent) : []
        if names.isEmpty || !pods.isEmpty { show(pods, problems, view, isSingle: names.count == 1) }
        for name in missing { view.tool.say("error: \(PodName.notFound(name, among: all.map { Self.name($0) }))") }
        return missing.isEmpty ? 0 : CLIError.Code.failed.rawValue
    }

    private static func show(_ pods: [JSONValue], _ problems: [Problem], _ view: PodView, isSingle: Bool) {
        let output = view.tool.output
        switch view.format {
        case .json, .yaml:
            let object = isSingle ? pods.first ?? .null : Self.list(pods)
            output.put(view.format == .json ? Documents.json(object) : Array(YAMLWriter.text(object).utf8))
        case .name: for pod in pods { output.line("pod/" + Printable.line(Self.name(pod))) }
        case .table, .wide:
            var table = view.table()
            if pods.isEmpty {
                let place = view.namespace.map { " in \($0) namespace." } ?? ""
                view.tool.say("No resources found\(place)")
            } else {
                let rows = pods.map { view.row(Pod($0)) }
                output.put(table.text(rows, withHeader: view.hasHeader, isColoured: output.isColoured).utf8)
            }
        }
        tell(problems, view, besideTable: !pods.isEmpty)
    }

    /// Problems stand below the table for people; beside JSON and names they go to standard error.
    private static func tell(_ problems: [Problem], _ view: PodView, besideTable: Bool) {
        if problems.isEmpty { return }
        guard view.format == .table || view.format == .wide, view.hasHeader else {
            view.tool.output.flush()
            for problem in problems { view.tool.say("warning: \(Printable.line(problem.text))") }
            return
        }
        let output = view.tool.output
        if besideTable { output.line() }
        output.line("PROBLEMS")
        for problem in problems {
            let text = Printable.line(problem.text)
            output.line(output.isColoured ? "\u{1B}[31m\(text)\u{1B}[0m" : text)
        }
    }

    // MARK: Watching

    private static func watch(_ view: PodView) throws(CLIError) -> Int32 {
        var table = view.table()
        var isFirst = true
        let agent = try view.tool.agent()
        try agent.lines("GET", target(view.namespace, watches: true)) { (event) throws(CLIError) in
            if event["type"] == "ERROR" {
                throw .failed(event["object"]?["message"]?.stringValue ?? "the watch was ended by the agent")
            }
            guard let pod = event["object"], view.isWanted(pod) else { return }
            let output = view.tool.output
            switch view.format {
            case .json: output.put(Documents.json(pod))
            case .yaml: output.put(((isFirst ? "" : "---\n") + YAMLWriter.text(pod)).utf8)
            case .name: output.line("pod/" + Printable.line(Self.name(pod)))
            case .table, .wide:
                let header = isFirst && view.hasHeader
                let row = view.row(Pod(pod))
                output.put(table.text([row], withHeader: header, isColoured: output.isColoured).utf8)
            }
            isFirst = false
            output.flush()
        }
        throw CLIError(.unreachable, "the agent ended the watch")
    }

    // MARK: Parts

    static func target(_ namespace: String?, watches: Bool = false) -> RequestTarget {
        var target = RequestTarget(path: ["swiftlet", "v1", "pods"])
        if let namespace { target.query.append(.init("namespace", namespace)) }
        if watches { target.query.append(.init("watch", "true")) }
        return target
    }

    static func name(_ pod: JSONValue) -> String { pod["metadata"]?["name"]?.stringValue ?? "" }

    /// A List as kubectl prints one.
    static func list(_ items: [JSONValue]) -> JSONValue {
        ["apiVersion": "v1", "items": .array(items), "kind": "List", "metadata": ["resourceVersion": ""]]
    }
}

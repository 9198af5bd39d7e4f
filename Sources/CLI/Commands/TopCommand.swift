import Base
import CLinux
import HTTP
import JSON

/// `top`: what pods and the node use now.
enum TopCommand {
    /// How long CPU use is measured for one answer, and between two of a watch.
    static let interval = Nanoseconds.milliseconds(600)
    static let pause = Nanoseconds.seconds(2)

    static let command = Command(
        "top", "pods|node [NAME...]", "show what pods, or the node, use of CPU and memory", count: 1...64,
        options: [
            GetCommand.namespace, GetCommand.allNamespaces,
            Option("containers", nil, "a line for each container"),
            Option("sort-by", value: "cpu|memory", "the greatest first (default: by name)"),
            GetCommand.noHeaders, Option("watch", "w", "again every two seconds"),
        ],
        details: """
            swiftlet top pods            pods of the namespace "default"
            swiftlet top pods -A -w --sort-by=cpu
            swiftlet top node

            CPU use is that of the last moments: it is measured for half a second. <unknown> is what this kernel does not
            count: memory needs the memory controller on cgroup v2.
            """
    ) { (invocation, tool) throws(CLIError) in
        let key = invocation["sort-by"]
        guard key == nil || key == "cpu" || key == "memory" else {
            throw .usage("--sort-by: \"\(key ?? "")\" is neither cpu nor memory")
        }
        let wanted = Wanted(invocation, sortsBy: key)
        let kind = invocation.arguments[0]
        let isNode = ["node", "nodes", "no"].contains(kind)
        guard isNode || ["pods", "pod", "po"].contains(kind) else {
            throw .usage("top: \"\(kind)\" is neither pods nor node")
        }
        guard !isNode || wanted.names.isEmpty else { throw .usage("top node: the node is this one; no name is needed") }
        let agent = try tool.agent()
        let target = RequestTarget(path: ["stats", "summary"])
        _ = try agent.json("GET", target)
        tool.pause(interval)
        var isAgain = false
        while true {
            let summary = try agent.json("GET", target)
            if isAgain { tool.output.line() }
            if isNode {
                tool.output.put(node(summary, withHeader: wanted.hasHeader).utf8)
            } else {
                tool.output.put(try pods(summary, wanted, tool).utf8)
            }
            guard invocation.flag("watch") else { return 0 }
            tool.output.flush()
            isAgain = true
            tool.pause(pause)
        }
    }

    private struct Wanted {
        var names: [String]
        var namespace: String?
        var showsContainers: Bool
        var hasHeader: Bool
        var sortsBy: String?

        init(_ invocation: Invocation, sortsBy key: String?) {
            names = invocation.arguments.dropFirst().map(PodName.plain)
            namespace = invocation.flag("all-namespaces") ? nil : Tool.namespace(invocation)
            showsContainers = invocation.flag("containers")
            hasHeader = !invocation.flag("no-headers")
            sortsBy = key
        }
    }

    /// A line: what it is called, and what it uses.
    private struct Row {
        var names: [String]
        var cpu: Int64?
        var memory: Int64?

        init(_ names: [String], _ value: JSONValue) {
            self.names = names
            cpu = value["cpu"]?["usageNanoCores"]?.integerValue
            memory = value["memory"]?["workingSetBytes"]?.integerValue
        }

        var cells: [Table.Cell] {
            (names + [TopCommand.cores(cpu), TopCommand.mebibytes(memory)]).map { Table.Cell($0) }
        }
    }

    private static func pods(_ summary: JSONValue, _ wanted: Wanted, _ tool: Tool) throws(CLIError) -> String {
        let all = (summary["pods"]?.arrayValue ?? []).filter { pod in
            wanted.namespace == nil || pod["podRef"]?["namespace"]?.stringValue == wanted.namespace
        }
        func name(_ pod: JSONValue) -> String { pod["podRef"]?["name"]?.stringValue ?? "" }
        for asked in wanted.names where !all.contains(where: { name($0) == asked }) {
            throw .failed("nothing is counted of pod \"\(asked)\": it is not there, or does not run")
        }
        var rows: [Row] = []
        for pod in all where wanted.names.isEmpty || wanted.names.contains(name(pod)) {
            let place = wanted.namespace == nil ? [pod["podRef"]?["namespace"]?.stringValue ?? ""] : []
            if wanted.showsContainers {
                for container in pod["containers"]?.arrayValue ?? [] {
                    rows.append(Row(place + [name(pod), container["name"]?.stringValue ?? ""], container))
                }
            } else {
                rows.append(Row(place + [name(pod)], pod))
            }
        }
        if rows.isEmpty { tool.say("No pods run" + (wanted.namespace.map { " in \($0) namespace." } ?? ".")) }
        switch wanted.sortsBy {
        case "cpu": rows.sort { ($0.cpu ?? -1) > ($1.cpu ?? -1) }
        case "memory": rows.sort { ($0.memory ?? -1) > ($1.memory ?? -1) }
        default: rows.sort { $0.names.lexicographicallyPrecedes($1.names) }
        }
        let place = wanted.namespace == nil ? ["NAMESPACE"] : []
        let columns = place + (wanted.showsContainers ? ["POD", "NAME"] : ["NAME"]) + ["CPU(cores)", "MEMORY(bytes)"]
        var table = Table(columns)
        guard !rows.isEmpty else { return "" }
        return table.text(rows.map(\.cells), withHeader: wanted.hasHeader, isColoured: false)
    }

    private static func node(_ summary: JSONValue, withHeader: Bool) -> String {
        let row = Row([summary["node"]?["nodeName"]?.stringValue ?? ""], summary["node"] ?? [:])
        let capacity = row.memory.flatMap { used in
            (summary["node"]?["memory"]?["availableBytes"]?.integerValue).map { used + $0 }
        }
        let cores = max(1, Int64(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var table = Table(["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"])
        let cells = [
            row.names[0], Self.cores(row.cpu), percent(row.cpu, of: cores * 1_000_000_000), mebibytes(row.memory),
            percent(row.memory, of: capacity),
        ]
        return table.text([cells.map { Table.Cell($0) }], withHeader: withHeader, isColoured: false)
    }

    // MARK: Figures as kubectl writes them

    private static let unknown = "<unknown>"

    private static func cores(_ nanoCores: Int64?) -> String {
        nanoCores.map { "\(($0 + 999_999) / 1_000_000)m" } ?? unknown
    }

    private static func mebibytes(_ bytes: Int64?) -> String { bytes.map { "\($0 >> 20)Mi" } ?? unknown }

    private static func percent(_ part: Int64?, of whole: Int64?) -> String {
        guard let part, let whole, whole > 0 else { return unknown }
        return "\(Int64(Double(part) / Double(whole) * 100))%"
    }
}

import JSON
import Kube

/// `get pods`: the list, once or followed.
struct PodList {
    let view: PodView
    let names: [String]
    let ignoresMissing: Bool

    private var output: Output { view.tool.output }
    private static func nameLine(_ pod: JSONValue) -> String { "pod/" + GetCommand.name(pod) }

    // MARK: Once

    func show(sortedBy path: String?) throws(CLIError) -> Int32 {
        let agent = try view.tool.agent()
        let all = try agent.json("GET", GetCommand.target(view.namespace))["items"]?.arrayValue ?? []
        var pods = all.filter(view.isWanted)
        if let path { pods = try Self.sorted(pods, by: path) }
        let missing = names.filter { name in !pods.contains { GetCommand.name($0) == name } }
        // Problems have nothing to do with a question about one pod.
        let asksForAll = names.isEmpty && view.labels == nil && view.fields == nil
        let problems = asksForAll ? try Problem.read(agent) : []
        if names.isEmpty || !pods.isEmpty { try show(pods, problems) }
        if ignoresMissing { return 0 }
        for name in missing {
            view.tool.say("error: \(PodName.notFound(name, among: all.map { GetCommand.name($0) }))")
        }
        return missing.isEmpty ? 0 : CLIError.Code.failed.rawValue
    }

    private func show(_ pods: [JSONValue], _ problems: [Problem]) throws(CLIError) {
        var printer = ObjectPrinter(view.format, hasHeader: view.hasHeader, output: output)
        if try !printer.list(pods, isSingle: names.count == 1, name: Self.nameLine) {
            var view = view
            if pods.contains(where: { PullState.mayConcern(Pod($0)) }) {
                view.pulls = try PullState.read(try view.tool.agent())
            }
            var table = view.table()
            if pods.isEmpty {
                let place = view.namespace.map { " in \($0) namespace." } ?? ""
                view.tool.say("No resources found\(place)")
            } else {
                let rows = pods.map { view.row($0) }
                output.put(table.text(rows, withHeader: view.hasHeader, isColoured: output.isColoured).utf8)
            }
        }
        tell(problems, besideTable: !pods.isEmpty)
    }

    /// Problems stand below the table for people; beside JSON and names they go to standard error.
    private func tell(_ problems: [Problem], besideTable: Bool) {
        if problems.isEmpty { return }
        guard view.format == .table || view.format == .wide, view.hasHeader else {
            output.flush()
            for problem in problems { view.tool.say("warning: \(Printable.line(problem.text))") }
            return
        }
        if besideTable { output.line() }
        output.line("PROBLEMS")
        for problem in problems {
            let text = Printable.line(problem.text)
            output.line(output.isColoured ? "\u{1B}[31m\(text)\u{1B}[0m" : text)
        }
    }

    /// By what stands at a path: numbers by their value, everything else as text. What has nothing there comes first.
    private static func sorted(_ pods: [JSONValue], by path: String) throws(CLIError) -> [JSONValue] {
        let template: JSONPathTemplate
        do throws(JSONPathError) { template = try JSONPathTemplate(relaxed: path) } catch {
            throw .usage("--sort-by: \(error)")
        }
        var keyed: [(key: JSONValue?, pod: JSONValue)] = []
        do throws(JSONPathError) {
            for pod in pods { keyed.append((try template.values(in: pod).first, pod)) }
        } catch {
            throw .failed("--sort-by: \(error)")
        }
        return keyed.enumerated().sorted { a, b in
            if isLess(a.element.key, b.element.key) { return true }
            return !isLess(b.element.key, a.element.key) && a.offset < b.offset
        }.map(\.element.pod)
    }

    private static func isLess(_ a: JSONValue?, _ b: JSONValue?) -> Bool {
        guard let a, let b else { return a == nil && b != nil }
        if let x = a.integerValue, let y = b.integerValue { return x < y }
        return JSONPathTemplate.text(a) < JSONPathTemplate.text(b)
    }

    // MARK: Watching

    /// The list, and then every change, in line with it.
    func watch(showsFirst: Bool) throws(CLIError) -> Int32 {
        var table = view.table()
        var printer = ObjectPrinter(view.format, hasHeader: view.hasHeader, output: output)
        var hasHeader = view.hasHeader
        func show(_ pods: [(Watch.Kind, JSONValue)]) throws(CLIError) {
            if pods.isEmpty { return }
            var rows: [[Table.Cell]] = []
            for (kind, pod) in pods where try !printer.next(pod, name: Self.nameLine) {
                rows.append(view.row(pod, kind))
            }
            if !rows.isEmpty {
                output.put(table.text(rows, withHeader: hasHeader, isColoured: output.isColoured).utf8)
                hasHeader = false
            }
            output.flush()
        }
        try Watch("pods", namespace: view.namespace).follow(try view.tool.agent()) { (all) throws(CLIError) in
            for name in names where !all.contains(where: { GetCommand.name($0) == name }) && !ignoresMissing {
                throw .failed(PodName.notFound(name, among: all.map { GetCommand.name($0) }))
            }
            if showsFirst { try show(all.filter(view.isWanted).map { (.added, $0) }) }
            return true
        } change: { (kind, pod) throws(CLIError) in
            if view.isWanted(pod) { try show([(kind, pod)]) }
            return true
        }
        return 0
    }
}

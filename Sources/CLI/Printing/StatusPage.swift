import Base
import JSON

/// The page of `swiftlet status`.
enum StatusPage {
    static func text(_ status: JSONValue, _ problems: [Problem], now: Timestamp) -> String {
        func text(_ key: String) -> String { Printable.line(status[key]?.stringValue ?? "<unknown>") }
        let started = status["started"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }
        let counts = (status["pods"]?.objectValue?.members ?? [])
            .map { "\($0.value.integerValue ?? 0) \($0.key)" }.joined(separator: ", ")
        let limits =
            status["limitsEnforced"]?.boolValue == true
            ? "enforced" : "NOT enforced: this kernel's cpu, memory and pids controllers are on cgroup v1"
        var page = """
            Node:\t\(text("nodeName"))
            Agent:\tswiftletd \(text("version")), pid \(status["pid"]?.integerValue ?? 0), up \(HumanTime.age(started, now))
            Root:\t\(status["root"]?.stringValue.flatMap { $0.isEmpty ? nil : Printable.line($0) } ?? "/")
            Kernel:\t\(text("kernel"))
            Limits:\t\(limits)
            Cgroups:\t\(text("cgroupRoot"))
            Pods:\t\(counts.isEmpty ? "none" : counts)
            Images:\t\(status["images"]?.integerValue ?? 0)

            """
        if status["draining"]?.boolValue == true { page += "Draining:\tyes; no pod is started\n" }
        page += section("Conditions", status["conditions"]) { item in
            [item("type"), item("status"), item("reason"), item("message")]
        }
        page += section("Features", status["features"]) { item in [item("name"), item("state"), item("detail")] }
        if !problems.isEmpty {
            page += "\nProblems:\n" + problems.map { "  " + Printable.line($0.text) + "\n" }.joined()
        }
        return TabWriter().format(page)
    }

    private static func section(
        _ title: String, _ items: JSONValue?, _ row: ((String) -> String) -> [String]
    ) -> String {
        guard let items = items?.arrayValue, !items.isEmpty else { return "" }
        let rows = items.map { item in
            "  " + row { Printable.line(item[$0]?.stringValue ?? "") }.joined(separator: "\t") + "\n"
        }
        return "\n\(title):\n" + rows.joined()
    }
}

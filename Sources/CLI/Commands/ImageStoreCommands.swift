import Base
import HTTP
import JSON
import YAML

/// `image inspect|prune|df`: what the images are, and what they take.
enum ImageStoreCommands {
    private static func path(_ verb: String) -> [String] { ["swiftlet", "v1", "images", verb] }

    static let inspect = Command(
        "image inspect", "IMAGE...", "show images in full", count: 1...64,
        options: [Option("output", "o", value: "FORMAT", "json (the default), yaml or jsonpath=TEMPLATE")]
    ) { (invocation, tool) throws(CLIError) in
        let format = try OutputFormat(invocation["output"] ?? "json")
        let agent = try tool.agent()
        var images: [JSONValue] = []
        for reference in invocation.arguments {
            let target = RequestTarget(path: path("inspect"), query: [.init("reference", reference)])
            images.append(try agent.json("GET", target))
        }
        let answer = images.count == 1 ? images[0] : ["items": .array(images)]
        switch format {
        case .json: tool.output.put(Documents.json(answer))
        case .yaml: tool.output.put(YAMLWriter.text(answer).utf8)
        case .jsonPath(let template):
            do throws(JSONPathError) { tool.output.put(try template.text(of: answer).utf8) } catch {
                throw .failed("jsonpath: \(error)")
            }
        default: throw .usage("--output: image inspect prints json, yaml or jsonpath")
        }
        return 0
    }

    static let prune = Command(
        "image prune", "", "remove images that no pod uses",
        options: [
            Option("all", "a", "also those that have a name; without it only those that lost theirs"),
            Option("older-than", value: "DURATION", "only those that have been here this long, as 24h"),
            Option("dry-run", nil, "say what would go"),
        ],
        details: "An image that a pod uses, or names and has not started yet, stays."
    ) { (invocation, tool) throws(CLIError) in
        var query: [RequestTarget.Item] = []
        if invocation.flag("all") { query.append(.init("all", "true")) }
        if invocation.flag("dry-run") { query.append(.init("dryRun", "true")) }
        if let text = invocation["older-than"] {
            guard let seconds = HumanTime.seconds(text) else {
                throw .usage("--older-than: \"\(text)\" is no time; write it as 24h or 30m")
            }
            query.append(.init("olderThanSeconds", String(seconds)))
        }
        let answer = try tool.agent().json("POST", RequestTarget(path: path("prune"), query: query))
        let isDry = invocation.flag("dry-run")
        for name in answer["untagged"]?.stringsValue ?? [] { tool.output.line("Untagged: \(Printable.line(name))") }
        for name in answer["deleted"]?.stringsValue ?? [] { tool.output.line("Deleted: \(Printable.line(name))") }
        let size = ImageList.size(answer["freedBytes"]?.integerValue ?? 0)
        tool.output.line(isDry ? "Would free \(size)" : "Freed \(size)")
        return 0
    }

    static let usage = Command(
        "image df", "", "show what the images take on the disk",
        options: [Option("output", "o", value: "FORMAT", "json or yaml")]
    ) { (invocation, tool) throws(CLIError) in
        let format = try OutputFormat(invocation["output"])
        let answer = try tool.agent().json("GET", RequestTarget(path: path("usage")))
        switch format {
        case .json: tool.output.put(Documents.json(answer))
        case .yaml: tool.output.put(YAMLWriter.text(answer).utf8)
        case .table:
            func number(_ name: String) -> Int64 { answer[name]?.integerValue ?? 0 }
            var table = Table(["IMAGES", "IN USE", "LAYERS", "SIZE", "RECLAIMABLE"])
            let row: [Table.Cell] = [
                .init(String(number("images"))), .init(String(number("used"))), .init(String(number("layers"))),
                .init(ImageList.size(number("bytes"))), .init(ImageList.size(number("reclaimableBytes"))),
            ]
            tool.output.put(table.text([row], withHeader: true, isColoured: false).utf8)
        default: throw .usage("--output: image df is printed as a table, json or yaml")
        }
        return 0
    }
}

import Base
import HTTP
import JSON
import YAML

/// `image history`: the steps in which an image was built.
enum ImageHistory {
    static let command = Command(
        "image history", "IMAGE", "show how an image was built", count: 1...1,
        options: [
            Option("output", "o", value: "FORMAT", "json or yaml"), GetCommand.noHeaders,
            Option("no-trunc", nil, "whole commands instead of their first 45 characters"),
        ],
        details: "The last step comes first. SIZE is that of the layer which a step made, unpacked."
    ) { (invocation, tool) throws(CLIError) in
        let format = try OutputFormat(invocation["output"])
        let target = RequestTarget(
            path: ["swiftlet", "v1", "images", "history"], query: [.init("reference", invocation.arguments[0])])
        let answer = try tool.agent().json("GET", target)
        switch format {
        case .json: tool.output.put(Documents.json(answer))
        case .yaml: tool.output.put(YAMLWriter.text(answer).utf8)
        case .table:
            var table = Table(["CREATED", "CREATED BY", "SIZE", "COMMENT"])
            let now = tool.now()
            let rows = (answer["items"]?.arrayValue ?? []).map { step -> [Table.Cell] in
                let created = step["created"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }
                return [
                    .init(created.map { HumanTime.age($0, now) + " ago" } ?? "<unknown>"),
                    .init(text(step["createdBy"]?.stringValue ?? "", invocation.flag("no-trunc"))),
                    .init(ImageList.size(step["size"]?.integerValue ?? 0)),
                    .init(Printable.line(step["comment"]?.stringValue ?? "")),
                ]
            }
            tool.output.put(
                table.text(rows, withHeader: !invocation.flag("no-headers"), isColoured: false).utf8)
        default: throw .usage("--output: image history is printed as a table, json or yaml")
        }
        return 0
    }

    private static func text(_ command: String, _ isWhole: Bool) -> String {
        let line = Printable.line(command)
        return isWhole || line.count <= 45 ? line : line.prefix(44) + "…"
    }
}

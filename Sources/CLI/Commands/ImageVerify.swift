import HTTP
import JSON
import YAML

/// `image verify`: whether images are still what was unpacked.
enum ImageVerify {
    static let command = Command(
        "image verify", "[IMAGE...]", "check that images are still what was unpacked", count: 0...1024,
        options: [
            Option("contents", nil, "read all files, too, and compare them with the digests of the layers"),
            Option("output", "o", value: "FORMAT", "json or yaml"),
        ],
        details: """
            Without IMAGE all images are checked. Of every layer each entry must be there, with its kind, mode, owner,
            size, time of modification, link and attributes, and nothing else; config and manifest must have their
            digests. Changed contents of a file whose size and time are as before are found with --contents only.
            Not found are: other attributes than those of the image, owners of folders that a layer only implies, and
            names that a layer takes away when it was adapted to the layers below.

            The exit code is 1 when an image is broken. A broken layer is unpacked anew when its image is loaded again
            (image load FILE) or pulled again (image pull IMAGE).
            """
    ) { (invocation, tool) throws(CLIError) in
        let format = try OutputFormat(invocation["output"])
        var query = invocation.arguments.map { RequestTarget.Item("reference", $0) }
        if invocation.flag("contents") { query.append(.init("contents", "true")) }
        let target = RequestTarget(path: ["swiftlet", "v1", "images", "verify"], query: query)
        let answer = try tool.agent().json("POST", target)
        let images = answer["items"]?.arrayValue ?? []
        switch format {
        case .json: tool.output.put(Documents.json(answer))
        case .yaml: tool.output.put(YAMLWriter.text(answer).utf8)
        case .table: for image in images { print(image, tool) }
        default: throw .usage("--output: image verify prints sentences, json or yaml")
        }
        return images.contains { $0["state"]?.stringValue == "broken" } ? 1 : 0
    }

    private static func print(_ image: JSONValue, _ tool: Tool) {
        let name = image["names"]?.stringsValue?.first ?? image["id"]?.stringValue ?? "?"
        let state = image["state"]?.stringValue ?? "?"
        tool.output.line(Printable.line("\(name): \(state) (\(image["entries"]?.integerValue ?? 0) entries)"))
        for problem in image["problems"]?.stringsValue ?? [] { tool.output.line("  " + Printable.line(problem)) }
        if state == "broken" {
            tool.output.line("  To repair it, load or pull the image again; pods that use it are to be restarted.")
        }
    }
}

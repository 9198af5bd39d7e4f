import Base
import HTTP
import JSON
import YAML

/// `get images` and `image ls`: a row a name.
enum ImageList {
    static func print(_ invocation: Invocation, _ tool: Tool) throws(CLIError) -> Int32 {
        let format = try OutputFormat(invocation["output"])
        let answer = try tool.agent().json("GET", RequestTarget(path: ["swiftlet", "v1", "images"]))
        let images = answer["items"]?.arrayValue ?? []
        switch format {
        // The list as the API has it.
        case .json: tool.output.put(Documents.json(answer))
        case .yaml: tool.output.put(YAMLWriter.text(answer).utf8)
        case .name:
            for name in images.flatMap({ $0["names"]?.stringsValue ?? [] }) { tool.output.line(Printable.line(name)) }
        case .jsonPath(let template):
            do throws(JSONPathError) { tool.output.put(try template.text(of: answer).utf8) } catch {
                throw .failed("jsonpath: \(error)")
            }
        case .columns:
            var printer = ObjectPrinter(format, hasHeader: !invocation.flag("no-headers"), output: tool.output)
            _ = try printer.list(images, isSingle: false) { $0.text("digest") }
        case .table, .wide:
            if images.isEmpty {
                tool.say("No images. Load one with \"swiftlet image load FILE\".")
                return 0
            }
            var table = Table(
                ["IMAGE", "TAG", "IMAGE ID", "SIZE", "CREATED", "USED BY"] + (format == .wide ? ["DIGEST"] : []))
            let now = tool.now()
            let lines = images.flatMap { rows($0, format, now) }
            tool.output.put(table.text(lines, withHeader: !invocation.flag("no-headers"), isColoured: false).utf8)
        }
        return 0
    }

    /// A row a name; one with `<none>` for an image without.
    private static func rows(_ image: JSONValue, _ format: OutputFormat, _ now: Timestamp) -> [[Table.Cell]] {
        let names = image["names"]?.stringsValue ?? []
        let id = (image["id"]?.stringValue ?? "").split(separator: ":").last.map { String($0.prefix(12)) } ?? ""
        let created = image["created"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }
        let users = image["usedBy"]?.stringsValue ?? []
        return (names.isEmpty ? ["<none>"] : names).map { name in
            let (repository, tag) = split(name)
            var row: [Table.Cell] = [
                .init(repository), .init(tag), .init(id), .init(size(image["size"]?.integerValue ?? 0)),
                .init(created.map { HumanTime.age($0, now) + " ago" } ?? "<unknown>"),
                .init(users.isEmpty ? "<none>" : users.joined(separator: ",")),
            ]
            if format == .wide { row.append(.init(image["digest"]?.stringValue ?? "")) }
            return row
        }
    }

    /// Repository and tag of a name; the colon of a port is no tag's.
    static func split(_ name: String) -> (String, String) {
        guard name != "<none>", let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else {
            return (name, "<none>")
        }
        return (String(name[..<colon]), String(name[name.index(after: colon)...]))
    }

    /// `4.27MB`: three digits in decimal units, as docker and crictl print sizes.
    static func size(_ bytes: Int64) -> String {
        var value = Double(bytes)
        var unit = 0
        let units = ["B", "kB", "MB", "GB", "TB"]
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        if unit == 0 { return "\(bytes)B" }
        let digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        let scale = [1, 10, 100][digits]
        let scaled = Int((value * Double(scale)).rounded())
        if digits == 0 { return "\(scaled)\(units[unit])" }
        let fraction = String(scaled % scale)
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return "\(scaled / scale).\(zeros)\(fraction)\(units[unit])"
    }
}

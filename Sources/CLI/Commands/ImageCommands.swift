import Base
import CLinux
import HTTP
import JSON
import YAML

/// `image load|ls|rm`: the images in the node's store.
enum ImageCommands {
    static let load = Command(
        "image load", "FILE...", "load image archives (OCI or docker)", count: 1...1024,
        options: [Option("name", value: "NAME", "the name of an image that has none (default: the file's)")],
        details: """
            Takes OCI layouts and docker archives, plain or compressed, as skopeo, podman, buildah and docker write them.
            With "-" the archive comes from standard input:  docker save web | swiftlet image load -
            """
    ) { (invocation, tool) throws(CLIError) in
        for file in invocation.arguments {
            let answer =
                file == "-" ? try upload(invocation["name"], tool) : try load(file, invocation["name"], tool)
            for image in try AgentClient.parse(answer)["items"]?.arrayValue ?? [] {
                let names = image["names"]?.stringsValue ?? []
                for name in names.isEmpty ? [image["digest"]?.stringValue ?? "?"] : names {
                    tool.output.line("Loaded image: \(Printable.line(name))")
                }
            }
            tool.output.flush()
        }
        return 0
    }

    static let list = Command(
        "image ls", "", "list the images", options: [GetCommand.noHeaders, GetCommand.output]
    ) { (invocation, tool) throws(CLIError) in try printList(invocation, tool) }

    static let remove = Command(
        "image rm", "IMAGE...", "remove images", count: 1...1024
    ) { (invocation, tool) throws(CLIError) in
        let agent = try tool.agent()
        for reference in invocation.arguments {
            let target = RequestTarget(path: ["swiftlet", "v1", "images"], query: [.init("reference", reference)])
            let answer = try agent.json("DELETE", target)
            for name in answer["untagged"]?.stringsValue ?? [] { tool.output.line("Untagged: \(Printable.line(name))") }
            for name in answer["deleted"]?.stringsValue ?? [] { tool.output.line("Deleted: \(Printable.line(name))") }
        }
        return 0
    }

    // MARK: Load

    private static func target(_ query: [RequestTarget.Item], _ name: String?) -> RequestTarget {
        let name = name.map { [RequestTarget.Item("name", $0)] } ?? []
        return RequestTarget(path: ["swiftlet", "v1", "images", "load"], query: query + name)
    }

    private static func load(_ file: String, _ name: String?, _ tool: Tool) throws(CLIError) -> [UInt8] {
        let path = try CommandLineTool.absolutePath(file)
        var status = stat()
        guard stat(path, &status) == 0 else { throw .failed("\(file): \(Errno.current)") }
        guard !swl_is_dir(status.st_mode) else {
            throw .failed("\(file) is a folder; pack it first, with \"tar -cf image.tar -C \(file) .\"")
        }
        do throws(CLIError) {
            return try tool.agent().request("POST", target([.init("path", path)], name))
        } catch {
            throw CLIError(error.code, error.code == .failed ? "\(file): \(error.message)" : error.message)
        }
    }

    private static func upload(_ name: String?, _ tool: Tool) throws(CLIError) -> [UInt8] {
        guard isatty(0) == 0 else { throw .usage("image load -: standard input is a terminal; pipe an archive in") }
        return try tool.agent().upload(target([], name)) { () throws(CLIError) in
            var buffer = [UInt8](repeating: 0, count: 256 << 10)
            while true {
                let n = read(0, &buffer, buffer.count)
                if n >= 0 { return Array(buffer[..<n]) }
                let error = Errno.current
                if error != .interrupted { throw .failed("cannot read standard input: \(error)") }
            }
        }
    }

    // MARK: List

    static func printList(_ invocation: Invocation, _ tool: Tool) throws(CLIError) -> Int32 {
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

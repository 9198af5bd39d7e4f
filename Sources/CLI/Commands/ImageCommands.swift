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
            FILE may also be a folder with an OCI layout, as "skopeo copy ... oci:FOLDER:TAG" and umoci make it.
            With "-" the archive comes from standard input:  docker save web | swiftlet image load -
            """
    ) { (invocation, tool) throws(CLIError) in
        for file in invocation.arguments {
            let name = invocation["name"].map { [RequestTarget.Item("name", $0)] } ?? []
            let answer = try bring(file, "load", name, tool)
            for image in answer["items"]?.arrayValue ?? [] {
                let names = image["names"]?.stringsValue ?? []
                for name in names.isEmpty ? [image["digest"]?.stringValue ?? "?"] : names {
                    tool.output.line("Loaded image: \(Printable.line(name))")
                }
            }
            tool.output.flush()
        }
        return 0
    }

    static let pull = Command(
        "image pull", "IMAGE...", "pull images from their registries", count: 1...1024,
        details: """
            What is on the node already is not fetched again. Mirrors, credentials and certificates of registries stand in
            /etc/swiftlet/registries.yaml; docs/images.md says how.
            """
    ) { (invocation, tool) throws(CLIError) in
        for reference in invocation.arguments {
            let report = Report(reference, tool)
            defer { report.bar?.clear() }
            let target = RequestTarget(
                path: ["swiftlet", "v1", "images", "pull"],
                query: [.init("reference", reference), .init("progress", "true")])
            try tool.agent().lines("POST", target) { (line) throws(CLIError) in try report.take(line) }
            for image in try report.outcome()["items"]?.arrayValue ?? [] {
                report.bar?.clear()
                tool.output.line(Printable.line("Pulled image: \(reference) (\(image["digest"]?.stringValue ?? ""))"))
            }
            tool.output.flush()
        }
        return 0
    }

    static let list = Command(
        "image ls", "", "list the images", options: [GetCommand.noHeaders, GetCommand.output]
    ) { (invocation, tool) throws(CLIError) in try ImageList.print(invocation, tool) }

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

    /// Hands an archive to the agent, by its path or from standard input, and gives the answer.
    ///
    /// - Parameter verb: the last part of the path that is asked.
    static func bring(
        _ file: String, _ verb: String, _ query: [RequestTarget.Item], _ tool: Tool
    ) throws(CLIError) -> JSONValue {
        func target(_ more: [RequestTarget.Item]) -> RequestTarget {
            RequestTarget(
                path: ["swiftlet", "v1", "images", verb], query: more + query + [.init("progress", "true")])
        }
        if file == "-" { return try upload(verb, target([]), tool) }
        let path = try CommandLineTool.absolutePath(file)
        var status = stat()
        guard stat(path, &status) == 0 else { throw .failed("\(file): \(Errno.current)") }
        let report = Report(file, tool)
        defer { report.bar?.clear() }
        do throws(CLIError) {
            try tool.agent().lines("POST", target([.init("path", path)])) { (line) throws(CLIError) in
                try report.take(line)
            }
            return try report.outcome()
        } catch {
            throw CLIError(error.code, error.code == .failed ? "\(file): \(error.message)" : error.message)
        }
    }

    private static func upload(
        _ verb: String, _ target: RequestTarget, _ tool: Tool
    ) throws(CLIError) -> JSONValue {
        guard isatty(0) == 0 else {
            throw .usage("image \(verb) -: standard input is a terminal; pipe an archive in")
        }
        let report = Report("standard input", tool)
        defer { report.bar?.clear() }
        var sent: Int64 = 0
        try tool.agent().upload(target) { () throws(CLIError) in
            var buffer = [UInt8](repeating: 0, count: 256 << 10)
            while true {
                let n = read(0, &buffer, buffer.count)
                if n >= 0 {
                    sent += Int64(n)
                    report.bar?.show("standard input", sent: sent)
                    return Array(buffer[..<n])
                }
                let error = Errno.current
                if error != .interrupted { throw .failed("cannot read standard input: \(error)") }
            }
        } lines: { (line) throws(CLIError) in
            try report.take(line)
        }
        return try report.outcome()
    }

    /// What the agent tells while it brings images.
    private final class Report {
        let bar: ProgressBar?
        private let label: String
        private var done: JSONValue?

        init(_ label: String, _ tool: Tool) {
            self.label = label
            bar = tool.progressBar()
        }

        func take(_ line: JSONValue) throws(CLIError) {
            switch line["type"]?.stringValue {
            case "PROGRESS": bar?.show(label, line["progress"] ?? .null)
            case "ERROR": throw .failed(line["message"]?.stringValue ?? "failed")
            case "DONE": done = line
            default: break
            }
        }

        /// The last line.
        func outcome() throws(CLIError) -> JSONValue {
            guard let done else { throw CLIError(.unreachable, "the agent went away before it was done") }
            return done
        }
    }
}

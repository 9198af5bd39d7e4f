import Base
import CLinux
import HTTP

/// `image save`: images as an archive.
enum ImageSave {
    static let command = Command(
        "image save", "IMAGE...", "write images into an archive", count: 1...1024,
        options: [
            Option("output", "o", value: "FILE", "the file to write; \"-\" for standard output (the default)"),
            Option("format", value: "FORMAT", "oci (an OCI layout, the default) or docker (as docker save writes)"),
        ],
        details: """
            Layers are put together again from the unpacked files, uncompressed and byte for byte, and their digests are
            checked while they are written: the images keep their IDs. The digest of the manifest stays only when the
            image came with uncompressed layers.

            swiftlet image save -o web.tar example.com/web:1
            swiftlet image save --format docker web db | gzip > both.tar.gz
            """
    ) { (invocation, tool) throws(CLIError) in
        let format = invocation["format"] ?? "oci"
        guard ["oci", "docker"].contains(format) else {
            throw .usage("--format: \"\(format)\" is neither oci nor docker")
        }
        let file = invocation["output"] ?? "-"
        if file == "-", isatty(1) == 1 {
            throw .usage("image save: standard output is a terminal; write to a file with -o, or into a pipe")
        }
        let target = RequestTarget(
            path: ["swiftlet", "v1", "images", "save"],
            query: invocation.arguments.map { RequestTarget.Item("reference", $0) } + [.init("format", format)])
        let agent = try tool.agent()
        if file == "-" {
            try receive(target, agent) { (bytes) throws(CLIError) in tool.output.put(bytes) }
            return 0
        }
        let output = try local { () throws(SystemError) in try OutputFile(file) }
        do throws(CLIError) {
            try receive(target, agent) { (bytes) throws(CLIError) in
                try local { () throws(SystemError) in try output.write(bytes) }
            }
            try local { () throws(SystemError) in try output.finish() }
        } catch {
            output.abandon()
            throw error
        }
        return 0
    }

    @discardableResult
    private static func local<R>(_ work: () throws(SystemError) -> R) throws(CLIError) -> R {
        do { return try work() } catch { throw .failed("\(error)") }
    }

    /// Takes the agent's frames apart.
    private static func receive(
        _ target: RequestTarget, _ agent: AgentClient, _ write: ([UInt8]) throws(CLIError) -> Void
    ) throws(CLIError) {
        var head: [UInt8] = []
        var left = 0
        var failure: [UInt8] = []
        var isComplete = false
        try agent.stream("GET", target) { (bytes) throws(CLIError) in
            var rest = bytes[...]
            while !rest.isEmpty {
                if left == 0 {
                    head.append(rest.removeFirst())
                    guard head.count == 5 else { continue }
                    left = head[1...].reduce(0) { $0 << 8 | Int($1) }
                    if head[0] == 2 { isComplete = true }
                } else {
                    let piece = rest.prefix(left)
                    if head[0] == 0 { try write(Array(piece)) } else { failure += piece }
                    rest = rest.dropFirst(piece.count)
                    left -= piece.count
                }
                if left == 0 { head = [] }
            }
        }
        if !failure.isEmpty { throw .failed(String(decoding: failure, as: UTF8.self)) }
        guard isComplete else { throw CLIError(.unreachable, "the agent went away before it was done") }
    }
}

import HTTP
import JSON

/// `image import`: a root file system becomes an image.
enum ImageImport {
    static let command = Command(
        "image import", "FILE NAME[:TAG]", "make an image of a root file system's tarball", count: 2...2,
        options: [
            Option("cmd", value: "COMMAND", "what runs without arguments: a JSON list, or text for /bin/sh -c"),
            Option("entrypoint", value: "COMMAND", "what arguments are given to, in the same forms"),
            Option("env", "e", value: "KEY=VALUE", "a variable of the environment; may come several times"),
            Option("workdir", "w", value: "PATH", "the folder to start in"),
            Option("user", "u", value: "USER", "who it runs as: name or number, with :GROUP if wanted"),
        ],
        details: """
            FILE is a tarball, plain or compressed with gzip, zstd or xz; "-" stands for standard input.

            swiftlet image import rootfs.tar.xz debian:mine --cmd '["/bin/bash"]'
            tar -C /srv/root -c . | swiftlet image import - tool:1 --entrypoint '["/tool"]' --user 1000
            """
    ) { (invocation, tool) throws(CLIError) in
        let (file, name) = (invocation.arguments[0], invocation.arguments[1])
        let items = [
            RequestTarget.Item("reference", name),
            RequestTarget.Item("config", JSONWriter().text(try config(invocation))),
        ]
        let answer = try ImageCommands.bring(file, "import", items, tool)
        for image in answer["items"]?.arrayValue ?? [] {
            for name in image["names"]?.stringsValue ?? [] {
                tool.output.line(Printable.line("Imported image: \(name) (\(image["id"]?.stringValue ?? ""))"))
            }
        }
        return 0
    }

    private static func config(_ invocation: Invocation) throws(CLIError) -> JSONValue {
        var object = JSONObject()
        if let user = invocation["user"] { object.append("User", .string(user)) }
        let variables = invocation.options["env"] ?? []
        for variable in variables where !variable.dropFirst().contains("=") {
            throw .usage("--env: \"\(variable)\" is not of the form KEY=VALUE")
        }
        if !variables.isEmpty { object.append("Env", .strings(variables)) }
        for (option, key) in [("entrypoint", "Entrypoint"), ("cmd", "Cmd")] {
            if let text = invocation[option] { object.append(key, .strings(try words(text, option))) }
        }
        if let folder = invocation["workdir"] {
            guard folder.hasPrefix("/") else { throw .usage("--workdir: \"\(folder)\" is not absolute") }
            object.append("WorkingDir", .string(folder))
        }
        return .object(object)
    }

    private static func words(_ text: String, _ option: String) throws(CLIError) -> [String] {
        guard text.hasPrefix("[") else { return ["/bin/sh", "-c", text] }
        guard let value = try? JSONParser.parse(Array(text.utf8)), let words = value.stringsValue else {
            throw .usage("--\(option): \"\(text)\" is no JSON list of texts; write '[\"/bin/sh\", \"-l\"]'")
        }
        return words
    }
}

import Base
import PodSources

/// `validate`: what the agent would say of manifests, without the agent.
enum ValidateCommand {
    static let command = Command(
        "validate", "", "check manifests, without the agent",
        options: [
            ManifestInput.option,
            Option("quiet", "q", "nothing but errors"),
        ],
        details: """
            swiftlet validate -f web.yaml      errors as file:line:column: message; fields without effect as warnings
            swiftlet validate -f manifests/    all of a folder, as the agent would read it
            """
    ) { (invocation, tool) throws(CLIError) in
        let files = invocation.options["filename"] ?? []
        if files.isEmpty { throw .usage("validate: what? Give a file, a folder or \"-\" with -f") }
        var check = Check(tool: tool, isQuiet: invocation.flag("quiet"))
        for file in files { try check.run(file) }
        return check.isFine ? 0 : CLIError.Code.failed.rawValue
    }

    /// The check of several files: two of them may not name one object.
    private struct Check {
        let tool: Tool
        let isQuiet: Bool
        var isFine = true
        private var owners: [ManifestItem.Key: String] = [:]

        init(tool: Tool, isQuiet: Bool) {
            self.tool = tool
            self.isQuiet = isQuiet
        }

        mutating func run(_ file: String) throws(CLIError) {
            guard file != "-", Files.isDirectory(file) else { return try one(file) }
            let names: [String]
            do throws(SystemError) {
                names = try Files.list(file).filter(ManifestFolder.isManifestName)
            } catch {
                throw .failed("\(file): \(error.errno)")
            }
            if names.isEmpty { tool.say("\(file): no manifests (*.yaml, *.yml, *.json)") }
            for name in names { try one(Path.join(file, name)) }
        }

        private mutating func one(_ file: String) throws(CLIError) {
            let bytes = try ManifestInput.bytes(file)
            let name = file == "-" ? "<stdin>" : file
            let items: [ManifestItem]
            do throws(ManifestRefusal) { items = try ManifestReader.read(bytes, path: name).items } catch {
                for problem in error.problems { fail(problem.description) }
                return
            }
            for item in items {
                if let other = owners.updateValue(name, forKey: item.key), other != name {
                    fail("\(name): \(item.key) is also named by \(other); rename or remove one")
                }
                if isQuiet { continue }
                for line in item.ineffective { tool.output.line(Printable.line("\(name):\(line) (warning)")) }
            }
            guard !isQuiet else { return }
            let list = items.map { $0.key.kind == .pod ? "\($0.key.key)" : "\($0.key)" }.joined(separator: ", ")
            tool.output.line(Printable.line("\(name): valid: \(list)"))
        }

        private mutating func fail(_ message: String) {
            isFine = false
            tool.output.line(Printable.line(message))
        }
    }
}

import Base
import CLinux
import HTTP
import Kube

/// Copies between this machine and a container, by `tar` on both sides.
struct PodCopy {
    let tool: Tool
    let pod: Pod
    let container: String
    /// Owners and permissions are not taken over.
    let isPlain: Bool

    // MARK: To the pod

    /// Copies the file or folder at `source` to `destination` in the container: into it where that is a folder.
    func upload(_ source: String, to destination: String) throws(CLIError) {
        guard Files.exists(source) else { throw .failed("cannot copy \(source): \(Errno.noEntry)") }
        let (folder, name) = CopyPlace.parts(source)
        var (place, newName) = CopyPlace.parts(destination)
        if try isFolder(destination) { (place, newName) = (destination, name) }
        var arguments = ["-cf", "-", "--no-unquote", "-C", folder]
        if !name.isEmpty, newName != name, !newName.isEmpty {
            arguments += ["--transform", Self.renaming(name, to: newName)]
        }
        arguments += ["--", name.isEmpty ? "." : "./" + name]
        let packer = try LocalTar(arguments, .output)
        var command = ["tar", "-xmf", "-"]
        if isPlain { command.insert("--no-same-permissions", at: 1) }
        let outcome = try run(command + ["-C", place], input: packer.descriptor) { _ in }
        // What went wrong first is told: a tar that is not read from any more is not to blame.
        if let problem = outcome { throw failed("\(source) to \(destination)", problem) }
        try packer.finish()
    }

    /// An expression that renames the first component `./name` of members and of hard links.
    static func renaming(_ name: String, to newName: String) -> String {
        func escaped(_ text: String, _ special: Set<Character>) -> String {
            text.map { special.contains($0) ? "\\\($0)" : String($0) }.joined()
        }
        let pattern = escaped(name, ["\\", "/", ".", "*", "[", "]", "^", "$"])
        return "flags=rh;s/^\\.\\/\(pattern)/.\\/\(escaped(newName, ["\\", "/", "&"]))/"
    }

    private func isFolder(_ path: String) throws(CLIError) -> Bool {
        if path.hasSuffix("/") { return true }
        return try run(["test", "-d", path], input: nil) { _ in } == nil
    }

    // MARK: From the pod

    /// Copies `source` of the container to `destination`: into it where that is a folder. Only files and folders are
    /// taken; what else the container offers is passed over with a word about it.
    func download(_ source: String, to destination: String) throws(CLIError) {
        let (folder, name) = CopyPlace.parts(source)
        var goal = destination
        if Files.isDirectory(destination), !name.isEmpty { goal = Path.join(destination, name) }
        let work = try Self.temporaryFolder(beside: goal)
        defer { try? Files.removeTree(work) }
        let unpacker = try LocalTar(
            ["-xf", "-", "-C", work, "--no-same-owner", "--delay-directory-restore"]
                + (isPlain ? ["--no-same-permissions"] : ["--preserve-permissions"]), .input)
        let outcome = try run(["tar", "-cf", "-", "-C", folder, name.isEmpty ? "." : "./" + name], input: nil) {
            ExecLoop.writeAll(unpacker.descriptor, $0)
        }
        try unpacker.finish()
        if let problem = outcome { throw failed("\(source) to \(destination)", problem) }
        let move = CopyMove { [tool] in tool.say(Printable.line("warning: \($0)")) }
        try move.merge(name.isEmpty ? work : Path.join(work, name), into: goal)
    }

    /// A folder of its own on the file system of `goal`, which nobody else reaches.
    private static func temporaryFolder(beside goal: String) throws(CLIError) -> String {
        let folder = Files.isDirectory(goal) ? goal : CopyPlace.parts(goal).folder
        var template = Array(Path.join(folder, ".swiftlet-cp-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw .failed("cannot write to \(folder): \(Errno.current)") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: In the container

    private func failed(_ what: String, _ problem: String) -> CLIError {
        .failed("cannot copy \(what) in pod \(pod.metadata.name): \(problem)")
    }

    /// Runs a program in the container.
    ///
    /// - Returns: what it complained of; nil when it ended well.
    /// - Throws: `CLIError` when it could not be run.
    private func run(
        _ command: [String], input: Int32?, output: @escaping (ArraySlice<UInt8>) -> Void
    ) throws(CLIError) -> String? {
        var query = command.map { RequestTarget.Item("command", $0) }
        query.append(.init("stdin", input == nil ? "false" : "true"))
        let path = ["exec", pod.metadata.namespace, pod.metadata.name, container]
        let (socket, rest) = try tool.agent().upgrade(
            RequestTarget(path: path, query: query), to: ExecCommand.protocolName)
        var complaints: [UInt8] = []
        let loop = ExecLoop(socket, rest, passesInput: input != nil, terminal: nil, input: input ?? -1) {
            if $0 == 1 { output($1) } else if complaints.count < 64 << 10 { complaints += $1 }
        }
        switch loop.run() {
        case .exit(0): return nil
        case .exit(let code):
            let text = String(decoding: complaints, as: UTF8.self).split(separator: "\n").joined(separator: "; ")
            return Printable.line(text.isEmpty ? "\(command[0]) ended with code \(code)" : text)
        case .failed(let message):
            throw .failed("cp needs the program \(command[0]) in the container: \(message)")
        case .lost: throw CLIError(.unreachable, "the agent went away; the copy is not complete")
        case .signal(let signal): return "ended by signal \(signal)"
        case .detached: return "left before the end"
        }
    }
}

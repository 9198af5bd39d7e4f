import Base
import CLinux

/// The program `swiftlet`.
public enum CommandLineTool {
    /// Runs the command line `words` (without the program's name) and gives the exit code.
    public static func run(_ words: [String]) -> Int32 {
        let root = getenv("SWIFTLET_ROOT").map { String(cString: $0) } ?? ""
        var tool = Tool(root: root, output: .standard()) { text in
            let line = Array((text + "\n").utf8)
            line.withUnsafeBytes { _ = write(2, $0.baseAddress, $0.count) }
        }
        tool.progressBar = {
            var (rows, columns) = (UInt16(0), UInt16(0))
            guard isatty(2) == 1, swl_get_window_size(2, &rows, &columns) == 0, columns > 20 else { return nil }
            return ProgressBar(width: Int(columns)) { text in
                Array(text.utf8).withUnsafeBytes { _ = write(2, $0.baseAddress, $0.count) }
            }
        }
        return run(words, tool)
    }

    static let commands: [Command] = [
        GetCommand.command, DescribeCommand.command, WhyCommand.command, LogsCommand.command, ExecCommand.command,
        AttachCommand.command, DebugCommand.command, CopyCommand.command, EventsCommand.command, TopCommand.command,
        PortForwardCommand.command, ConditionCommand.command,
        ApplyCommand.command, DeleteCommand.command, DiffCommand.command, WaitCommand.command, ControlCommands.stop,
        ControlCommands.start, ControlCommands.restart,
        ImageCommands.load, ImageCommands.pull,
        ImageCommands.list, ImageCommands.remove, ImageStoreCommands.inspect, ImageStoreCommands.prune,
        ImageStoreCommands.usage, ImageHistory.command, ImageVerify.command, ImageSave.command, ImageImport.command,
        ValidateCommand.command, NodeCommands.status, DoctorCommand.command,
        ConfigCommand.view, SupportBundleCommand.command, NodeCommands.drain, NodeCommands.version,
        CompletionCommand.command, help,
    ]

    /// Runs in a given world.
    static func run(_ words: [String], _ tool: Tool) -> Int32 {
        defer { tool.output.flush() }
        if words.first == CompletionCommand.hidden {
            return CompletionCommand.complete(Array(words.dropFirst()), tool)
        }
        do throws(CLIError) {
            let (command, invocation) = try ArgumentParser(commands: commands).parse(words)
            var tool = tool
            if let root = invocation["root"] { tool.root = try prefix(root) }
            guard let command else {
                tool.output.put(Help.overview(commands).utf8)
                return words.isEmpty ? CLIError.Code.usage.rawValue : 0
            }
            if invocation.flag("help") {
                tool.output.put(Help.of(command).utf8)
                return 0
            }
            return try command.run(invocation, tool)
        } catch {
            tool.output.flush()
            tool.say("error: \(Printable.text(error.message))")
            return error.code.rawValue
        }
    }

    /// `DIR` of `--root DIR` as a prefix, absolute and without a slash at the end.
    private static func prefix(_ root: String) throws(CLIError) -> String {
        var path = try absolutePath(root)
        while path.hasSuffix("/") { path.removeLast() }
        return path
    }

    static func absolutePath(_ path: String) throws(CLIError) -> String {
        if path.hasPrefix("/") { return path }
        guard let folder = getcwd(nil, 0) else { throw .failed("the working folder is gone: \(Errno.current)") }
        defer { free(folder) }
        return Path.join(String(cString: folder), path)
    }

    private static let help = Command(
        "help", "[COMMAND]", "show help", count: 0...2
    ) { (invocation, tool) throws(CLIError) in
        if invocation.arguments.isEmpty {
            tool.output.put(Help.overview(commands).utf8)
            return 0
        }
        let (command, _) = try ArgumentParser(commands: commands).parse(invocation.arguments + ["--help"])
        tool.output.put((command.map { Help.of($0) } ?? Help.overview(commands)).utf8)
        return 0
    }
}

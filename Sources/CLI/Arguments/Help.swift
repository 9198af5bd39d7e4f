/// Help, printed from the table of commands.
enum Help {
    static func overview(_ commands: [Command]) -> String {
        var text = """
            swiftlet speaks with the agent of this machine, as kubectl does with a cluster.

            usage: swiftlet [--root DIR] COMMAND [ARGUMENTS] [OPTIONS]

            Commands:

            """
        let width = (commands.map { $0.name.count }.max() ?? 0) + 3
        for command in commands {
            text += "  " + command.name + spaces(width - command.name.count) + command.summary + "\n"
        }
        text += "\nOptions of every command:\n" + options(Command.global)
        text += """

            "swiftlet COMMAND --help" says more about one command.
            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the agent does not answer; exec and attach pass on the
            program's own.

            """
        return text
    }

    static func of(_ command: Command) -> String {
        var text = command.summary.prefix(1).uppercased() + command.summary.dropFirst() + ".\n\n"
        let arguments = command.arguments.isEmpty ? "" : " " + command.arguments
        text += "usage: swiftlet \(command.name)\(arguments)\n"
        if !command.details.isEmpty { text += "\n" + command.details + "\n" }
        text += "\nOptions:\n" + options(command.options + Command.global)
        return text
    }

    private static func options(_ options: [Option]) -> String {
        let names = options.map { option in
            let short = option.short.map { "-\($0), " } ?? "    "
            return short + "--" + option.name + (option.value.map { " " + $0 } ?? "")
        }
        let width = (names.map(\.count).max() ?? 0) + 3
        return zip(names, options).map { "  " + $0 + spaces(width - $0.count) + $1.summary + "\n" }.joined()
    }

    static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}

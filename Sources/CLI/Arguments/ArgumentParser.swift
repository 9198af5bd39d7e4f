import Kube

/// Takes command lines apart as kubectl does: options stand anywhere before `--`, with `=` or a space before the value,
/// short flags together (`-it`), short values attached (`-ojson`).
struct ArgumentParser {
    var commands: [Command]

    /// The command that is meant (nil for none, which asks for help) and what it is told.
    func parse(_ words: [String]) throws(CLIError) -> (Command?, Invocation) {
        var invocation = Invocation()
        var rest = words[...]
        var name: [String] = []
        // Options before the command's name can only be global ones.
        while let word = rest.first, command(named: name) == nil {
            if word == "--" { throw .usage("a command is missing before \"--\"") }
            if word.hasPrefix("-"), word != "-" {
                try option(&rest, Command.global, into: &invocation)
            } else {
                name.append(word)
                rest.removeFirst()
                if !isBeginning(name) { throw unknown(name) }
            }
        }
        guard let command = command(named: name) else {
            if name.isEmpty || invocation.flag("help") { return (nil, invocation) }
            throw .usage("\(name.joined(separator: " ")): which? One of: \(following(name).joined(separator: ", "))")
        }
        try self.rest(of: command, rest, into: &invocation)
        return (command, invocation)
    }

    private func rest(
        of command: Command, _ words: ArraySlice<String>, into invocation: inout Invocation
    ) throws(CLIError) {
        var rest = words
        let options = command.options + Command.global
        while let word = rest.first {
            if word == "--" {
                guard command.takesCommand else {
                    invocation.arguments += rest.dropFirst()
                    break
                }
                invocation.command = Array(rest.dropFirst())
                break
            }
            if word.hasPrefix("-"), word != "-" {
                try option(&rest, options, into: &invocation)
            } else {
                invocation.arguments.append(word)
                rest.removeFirst()
            }
        }
        if invocation.flag("help") { return }
        let count = invocation.arguments.count
        let usage = "usage: swiftlet \(command.name) \(command.arguments)"
        if count < command.count.lowerBound { throw .usage("\(command.name): an argument is missing; \(usage)") }
        if count > command.count.upperBound {
            let extra = invocation.arguments[command.count.upperBound]
            throw .usage("\(command.name): \"\(extra)\" is one argument too many; \(usage)")
        }
    }

    /// Takes one option and its value from the front of `words`.
    private func option(
        _ words: inout ArraySlice<String>, _ options: [Option], into invocation: inout Invocation
    ) throws(CLIError) {
        let word = words.removeFirst()
        guard word.hasPrefix("--") else { return try shorts(word, &words, options, into: &invocation) }
        let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts.first ?? "")
        guard let option = options.first(where: { $0.name == name }) else { throw unknown(option: name, options) }
        let attached = parts.count == 2 ? String(parts[1]) : nil
        if option.isFlag {
            // `--dry-run=client` is kubectl's way to say yes.
            let isDry = name == "dry-run" && (attached == "client" || attached == "server")
            let value = isDry ? "true" : attached == "none" && name == "dry-run" ? "false" : attached ?? "true"
            guard value == "true" || value == "false" else {
                throw .usage("--\(name): \"\(value)\" is neither true nor false")
            }
            invocation.options[name, default: []].append(value)
        } else {
            guard let value = attached ?? words.popFirst() else {
                throw .usage("--\(name) needs a value: --\(name) \(option.value ?? "")")
            }
            invocation.options[name, default: []].append(value)
        }
    }

    private func shorts(
        _ word: String, _ words: inout ArraySlice<String>, _ options: [Option], into invocation: inout Invocation
    ) throws(CLIError) {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let option = options.first(where: { $0.short == letter }) else {
                // `-tail` is a mistake for `--tail` more often than for -t -a -i -l.
                let name = String(word.dropFirst().prefix { $0 != "=" })
                let hint = options.contains { $0.name == name } ? "; did you mean --\(name)?" : ""
                throw .usage("unknown option -\(letter)\(hint)")
            }
            if option.isFlag {
                invocation.options[option.name, default: []].append("true")
                continue
            }
            if letters.first == "=" { letters.removeFirst() }
            guard let value = letters.isEmpty ? words.popFirst() : String(letters) else {
                throw .usage("-\(letter) needs a value: -\(letter) \(option.value ?? "")")
            }
            invocation.options[option.name, default: []].append(value)
            return
        }
    }

    // MARK: Names

    private func command(named words: [String]) -> Command? {
        commands.first { $0.name == words.joined(separator: " ") }
    }

    private func isBeginning(_ words: [String]) -> Bool {
        commands.contains { $0.name.split(separator: " ").map(String.init).starts(with: words) }
    }

    /// The words that can come after `words`.
    private func following(_ words: [String]) -> [String] {
        var found: [String] = []
        for command in commands {
            let parts = command.name.split(separator: " ").map(String.init)
            guard parts.count > words.count, parts.starts(with: words), !found.contains(parts[words.count]) else {
                continue
            }
            found.append(parts[words.count])
        }
        return found
    }

    private func unknown(_ name: [String]) -> CLIError {
        let (before, last) = (Array(name.dropLast()), name.last ?? "")
        let known = following(before)
        let hint =
            Spelling.closest(to: last, among: known).map {
                "did you mean \"\((before + [$0]).joined(separator: " "))\"?"
            }
            ?? "one of: \(known.joined(separator: ", "))"
        return .usage("unknown command \"\(name.joined(separator: " "))\"; \(hint)")
    }

    private func unknown(option name: String, _ options: [Option]) -> CLIError {
        let hint = Spelling.closest(to: name, among: options.map(\.name)).map { "; did you mean --\($0)?" } ?? ""
        return .usage("unknown option --\(name)\(hint)")
    }
}

/// Words that can stand where someone presses the tabulator key, from the table of commands.
struct Completion {
    let commands: [Command]
    /// The names of the pods of a namespace; asked only when they are wanted.
    let pods: (_ namespace: String?) -> [String]
    /// The names of a pod's containers.
    let containers: (_ pod: String, _ namespace: String?) -> [String]

    /// - Parameter words: those behind the program's name; the last is the one that is being typed, perhaps empty.
    func candidates(_ words: [String]) -> [String] {
        let typed = words.last ?? ""
        let line = Line(words.dropLast(), commands)
        // Behind "--" stands a command line of a container, which is not known here.
        if line.isOver { return [] }
        var found: [String]
        if let option = line.openOption {
            found = values(of: option, line)
        } else if typed.hasPrefix("-") {
            let options = (line.command?.options ?? []) + Command.global
            found = options.map { "--" + $0.name }
            if !typed.hasPrefix("--") { found += options.compactMap { $0.short.map { "-\($0)" } } }
        } else if let command = line.command {
            found = arguments(of: command, line)
        } else {
            found = line.following
        }
        var seen: Set<String> = []
        return found.filter { $0.hasPrefix(typed) && seen.insert($0).inserted }
    }

    private func values(of option: Option, _ line: Line) -> [String] {
        switch option.name {
        case "output": return ["wide", "json", "yaml", "name", "jsonpath=", "custom-columns="]
        // The name of one that is to come is anybody's choice.
        case "container" where line.command?.name == "debug": return []
        case "profile": return ["general", "baseline", "restricted", "netadmin", "sysadmin", "legacy"]
        case "container", "target":
            return line.arguments.last.map { containers(PodName.plain($0), line.namespace) } ?? []
        case "for" where line.command?.name == "wait":
            return ["condition=Ready", "delete", "create", "jsonpath="]
        case "for": return pods(line.namespace).map { "pod/" + $0 }
        case "types": return ["Normal", "Warning"]
        // Files are the shell's.
        default: return []
        }
    }

    private func arguments(of command: Command, _ line: Line) -> [String] {
        if command.arguments.contains("|"), line.arguments.isEmpty {
            let kinds = command.arguments.split(separator: " ")[0]
            return kinds.split(separator: "|").map(String.init)
        }
        if command.name == "help", line.arguments.isEmpty { return Line([], commands).following }
        let isOfPods = line.arguments.first.map { ["pod", "pods", "po"].contains($0) } ?? false
        if command.arguments.hasPrefix("pod "), line.arguments.isEmpty {
            return ["pod"] + pods(line.namespace).map { "pod/" + $0 }
        }
        guard command.arguments.contains("POD") || isOfPods else { return [] }
        if command.name == "logs", line.arguments.count == 1 {
            return containers(PodName.plain(line.arguments[0]), line.namespace)
        }
        return pods(line.namespace)
    }

    /// A command line as far as it is typed.
    private struct Line {
        var command: Command?
        var arguments: [String] = []
        /// An option whose value comes next.
        var openOption: Option?
        var namespace: String?
        var isOver = false
        /// The words that can come next while the command is not known.
        var following: [String] = []

        init(_ words: some Sequence<String>, _ commands: [Command]) {
            var name: [String] = []
            for word in words {
                if let option = openOption {
                    if option.name == "namespace" { namespace = word }
                    openOption = nil
                } else if word == "--" {
                    isOver = true
                } else if word.hasPrefix("-"), word != "-" {
                    openOption = Self.option(word, (command?.options ?? []) + Command.global)
                    if word.hasPrefix("--namespace=") { namespace = String(word.dropFirst(12)) }
                } else if command == nil {
                    name.append(word)
                    command = commands.first { $0.name == name.joined(separator: " ") }
                } else {
                    arguments.append(word)
                }
            }
            for words in commands.map({ $0.name.split(separator: " ").map(String.init) })
            where words.count > name.count && words.starts(with: name) {
                following.append(words[name.count])
            }
        }

        /// The option that `word` is, when its value is another word.
        private static func option(_ word: String, _ options: [Option]) -> Option? {
            if word.contains("=") { return nil }
            if word.hasPrefix("--") { return options.first { "--" + $0.name == word && !$0.isFlag } }
            // Of short ones together, only the last can have its value behind it.
            guard let last = word.last, let option = options.first(where: { $0.short == last }), !option.isFlag else {
                return nil
            }
            let before = word.dropFirst().dropLast()
            return before.allSatisfy { letter in options.contains { $0.short == letter && $0.isFlag } } ? option : nil
        }
    }
}

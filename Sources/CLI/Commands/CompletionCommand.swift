import Base
import JSON
import Kube

/// `completion`: the shell's part of completing command lines; ours is `__complete`.
enum CompletionCommand {
    /// What the shells call; no command for people.
    static let hidden = "__complete"

    static let command = Command(
        "completion", "bash|zsh|fish", "print a script that completes command lines", count: 1...1,
        details: """
            bash: source <(swiftlet completion bash)
            zsh:  source <(swiftlet completion zsh)
            fish: swiftlet completion fish | source

            Commands and options come from this program, names of pods and containers from the agent.
            """
    ) { (invocation, tool) throws(CLIError) in
        guard let script = scripts[invocation.arguments[0]] else {
            throw .usage("completion: \"\(invocation.arguments[0])\" is none of bash, zsh, fish")
        }
        tool.output.put(script.utf8)
        return 0
    }

    /// Prints what can stand at the end of `words`, a word a line. Says nothing when the agent does not answer.
    static func complete(_ words: [String], _ tool: Tool) -> Int32 {
        var tool = tool
        // The agent that is meant may be named on the line.
        for (n, word) in words.enumerated() {
            if word == "--root", n + 1 < words.count - 1 { tool.root = words[n + 1] }
            if word.hasPrefix("--root=") { tool.root = String(word.dropFirst(7)) }
        }
        let asked = tool
        func pods(_ namespace: String?) -> [JSONValue] {
            guard let agent = try? asked.agent() else { return [] }
            agent.deadline = .now + .seconds(1)
            return (try? agent.json("GET", GetCommand.target(namespace ?? "default")))?["items"]?.arrayValue ?? []
        }
        let completion = Completion(
            commands: CommandLineTool.commands, pods: { pods($0).map { GetCommand.name($0) } },
            containers: { name, namespace in
                let pod = pods(namespace).first { GetCommand.name($0) == name }.map { Pod($0) }
                return pod?.spec.allContainers.map(\.name) ?? []
            })
        for candidate in completion.candidates(words) { tool.output.line(Printable.line(candidate)) }
        return 0
    }

    private static let scripts = [
        "bash": """
        # bash completion of swiftlet
        _swiftlet() {
            local word
            COMPREPLY=()
            while IFS= read -r word; do
                COMPREPLY+=("$word")
            done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
            if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
        }
        complete -o default -F _swiftlet swiftlet

        """,
        "zsh": """
        #compdef swiftlet
        # zsh completion of swiftlet
        _swiftlet() {
            local -a candidates
            candidates=(${(f)"$(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
            if (( ${#candidates} )); then compadd -a candidates; else _files; fi
        }
        if [ "$funcstack[1]" = "_swiftlet" ]; then _swiftlet; else compdef _swiftlet swiftlet; fi

        """,
        "fish": """
        # fish completion of swiftlet
        complete -c swiftlet -a '(swiftlet __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'

        """,
    ]
}

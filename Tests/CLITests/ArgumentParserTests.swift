import Testing

@testable import CLI

@Suite struct ArgumentParserTests {
    static let commands: [Command] = [
        Command(
            "get", "KIND [NAME]", "list", count: 1...2,
            options: [
                Option("output", "o", value: "FORMAT", "how"), Option("watch", "w", "go on"),
                Option("namespace", "n", value: "NAME", "where"),
            ]
        ) { _, _ in 0 },
        Command(
            "exec", "POD -- COMMAND", "run", count: 1...1, takesCommand: true,
            options: [Option("stdin", "i", "input"), Option("tty", "t", "terminal")]
        ) { _, _ in 0 },
        Command("image load", "FILE", "load", count: 1...1) { _, _ in 0 },
        Command("image ls", "", "list images") { _, _ in 0 },
    ]

    func parse(_ line: String) throws(CLIError) -> (String?, Invocation) {
        let words = line.split(separator: " ").map(String.init)
        let (command, invocation) = try ArgumentParser(commands: Self.commands).parse(words)
        return (command?.name, invocation)
    }

    @Test(arguments: [
        "get pods -o json -n x -w", "get pods -ojson -nx -w", "get -w=x", "--root /r get pods",
        "get pods --output=json",
        "get --output json pods", "get -wojson pods", "get -o=json pods",
    ])
    func kubectlsWaysToWriteOptionsAreUnderstood(line: String) throws {
        if line == "get -w=x" {
            #expect(throws: CLIError.self) { try parse(line) }
            return
        }
        let (name, invocation) = try parse(line)
        #expect(name == "get" && invocation.arguments == ["pods"])
        if line.contains("json") { #expect(invocation["output"] == "json") }
        if line.contains("n x") || line.contains("nx") { #expect(invocation["namespace"] == "x") }
        if line.contains("w") { #expect(invocation.flag("watch") == line.contains("-w")) }
        if line.contains("root") { #expect(invocation["root"] == "/r") }
    }

    @Test func whatComesAfterTheDashesIsTheProgram() throws {
        let (name, invocation) = try parse("exec -it web -- ls -l --color -- x")
        #expect(name == "exec" && invocation.flag("stdin") && invocation.flag("tty"))
        #expect(invocation.arguments == ["web"])
        #expect(invocation.command == ["ls", "-l", "--color", "--", "x"])
        #expect(try parse("exec web --").1.command == [])
        #expect(try parse("exec web").1.command == nil)
    }

    @Test func flagsCanBeTurnedOff() throws {
        #expect(try parse("get pods --watch=false").1.flag("watch") == false)
        #expect(try parse("get pods --watch --watch=false").1.flag("watch") == false)
    }

    @Test func groupsHaveTheirOwnCommands() throws {
        #expect(try parse("image load x.tar").0 == "image load")
        #expect(try parse("image ls").0 == "image ls")
        #expect(try parse("").0 == nil)
        #expect(try parse("--help").0 == nil)
        #expect(try parse("get --help").1.flag("help"))
    }

    @Test(arguments: [
        ("gte pods", "did you mean \"get\"?"), ("image", "One of: load, ls"), ("image laod x", "\"image load\""),
        ("get pods --ouput json", "did you mean --output?"), ("get pods -x", "unknown option -x"),
        ("get pods -watch", "unknown option -a; did you mean --watch?"), ("get", "an argument is missing"),
        ("get pods a b", "\"b\" is one argument too many"), ("get pods -o", "-o needs a value"),
        ("get pods --output", "--output needs a value"), ("get pods --watch=maybe", "neither true nor false"),
        ("frobnicate", "one of: get, exec, image"), ("-- get", "missing before"), ("image ls x", "too many"),
    ])
    func mistakesAreExplained(line: String, part: String) {
        let error = #expect(throws: CLIError.self) { try parse(line) }
        #expect(error?.code == .usage)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "nothing")")
    }
}

@Suite struct HelpTests {
    @Test func theOverviewNamesEveryCommandInOneLine() {
        let text = Help.overview(CommandLineTool.commands)
        for command in CommandLineTool.commands {
            #expect(text.contains("\n  " + command.name + " "), "\(command.name)")
        }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 120 })
    }

    @Test func theHelpOfACommandIsPrintedFromItsTable() {
        #expect(
            Help.of(EventsCommand.command) == """
                Show what happened to pods.

                usage: swiftlet events

                Options:
                  -n, --namespace NAME   the pods' namespace (default: default)
                  -A, --all-namespaces   events of all namespaces
                      --for pod/NAME     events of one pod only
                      --types TYPE       Normal or Warning only
                  -w, --watch            go on with every change
                      --no-headers       no line of column names
                  -o, --output FORMAT    json, yaml, jsonpath=…, custom-columns=…
                      --root DIR         prefix of all of the agent's paths (default: $SWIFTLET_ROOT, or none)
                  -h, --help             show this help

                """)
    }

    @Test func noTwoOptionsOfACommandHaveOneName() {
        for command in CommandLineTool.commands {
            let all = command.options + Command.global
            #expect(Set(all.map(\.name)).count == all.count, "\(command.name)")
            let shorts = all.compactMap(\.short)
            #expect(Set(shorts).count == shorts.count, "\(command.name)")
        }
    }
}

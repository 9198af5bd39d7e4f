import CLinux
import HTTP
import Kube

/// `attach`: what a container writes, and its standard input.
enum AttachCommand {
    static let command = Command(
        "attach", "POD", "see what a container writes from now on, and type to it", count: 1...1,
        options: [
            Option("stdin", "i", "pass standard input on to the container's"),
            Option("tty", "t", "with this terminal as the container's"),
            Option("container", "c", value: "NAME", "the container, when the pod has several"),
            Option(
                "detach-keys", value: "KEYS",
                "leave by typing them, ctrl-p,ctrl-q unless said; none leaves them to the program"),
            GetCommand.namespace,
        ],
        details: """
            swiftlet attach web            what it writes, until it ends; Ctrl-C leaves it running
            swiftlet attach -it shell      its terminal; Ctrl-C is the program's, Ctrl-P Ctrl-Q leaves it running

            The container needs stdin: true in its manifest to be typed at, and tty: true for a terminal. The exit code is
            the container's when it ends.
            """
    ) { (invocation, tool) throws(CLIError) in
        let keys = invocation["detach-keys"] ?? DetachKeys.usual
        let detachKeys = keys == "none" || keys.isEmpty ? nil : try DetachKeys(keys)
        let agent = try tool.agent()
        let pod = Pod(try PodName.fetch(invocation.arguments[0], invocation, agent))
        let name = try PodName.container(invocation["container"], of: pod, tool)
        return try attach(name, of: pod, invocation, detachKeys, tool)
    }

    /// Attaches to a container that runs, as the options `stdin` and `tty` say.
    ///
    /// - Returns: its exit code, or 0 for who leaves it.
    static func attach(
        _ name: String, of pod: Pod, _ invocation: Invocation, _ detachKeys: DetachKeys?, _ tool: Tool
    ) throws(CLIError) -> Int32 {
        let agent = try tool.agent()
        let container = pod.spec.allContainers.first { $0.name == name }
        let streams = Streams(invocation, container, isTerminal: isatty(0) == 1)
        for note in streams.notes { tool.say(Printable.line(note)) }
        var query = [RequestTarget.Item("stdin", streams.passesInput ? "true" : "false")]
        query += [.init("stdout", "true"), .init("stderr", "true"), .init("tty", streams.isRaw ? "true" : "false")]
        if streams.isRaw, let size = Terminal.size() {
            // Another size first: a program that draws the whole screen then draws it anew for who has just come.
            query.append(.init("rows", String(size.rows &+ 1)))
            query.append(.init("columns", String(size.columns &+ 1)))
        }
        let path = ["attach", pod.metadata.namespace, pod.metadata.name, name]
        let (socket, rest) = try agent.upgrade(RequestTarget(path: path, query: query), to: ExecCommand.protocolName)
        let terminal = streams.isRaw ? try Terminal.raw() : nil
        if terminal != nil { tool.say("If you don't see a command prompt, try pressing enter.\r") }
        let loop = ExecLoop(socket, rest, passesInput: streams.passesInput, terminal: terminal)
        if terminal != nil {
            loop.detachKeys = detachKeys
            loop.tellSize()
        }
        let end = loop.run()
        terminal?.restore()
        switch end {
        case .exit(let code):
            if code != 0 { tool.say(Printable.line("container \(name) ended with exit code \(code)")) }
            return code
        case .failed(let message): throw .failed(message)
        case .lost: throw CLIError(.unreachable, "the agent went away; the container goes on, attach to it again")
        case .signal(let signal): return 128 + signal
        case .detached:
            tool.say(Printable.line("detached from container \(name), which goes on"))
            return 0
        }
    }

    /// What of input and terminal there can be, of what is wanted.
    struct Streams: Equatable {
        var passesInput: Bool
        /// Keys are handed on as they are typed.
        var isRaw: Bool
        /// What cannot be had, and why.
        var notes: [String] = []
    }
}

extension AttachCommand.Streams {
    /// - Parameter isTerminal: whether standard input is one.
    init(_ invocation: Invocation, _ container: Container?, isTerminal: Bool) {
        let name = container?.name ?? ""
        passesInput = invocation.flag("stdin")
        if passesInput, container?.stdin != true {
            notes.append(
                "container \(name) has no standard input (stdin: true in the manifest gives it one): what is typed "
                    + "goes nowhere")
            passesInput = false
        }
        let wantsTerminal = invocation.flag("tty")
        if wantsTerminal, container?.tty != true {
            notes.append("Unable to use a TTY - container \(name) did not allocate one")
        } else if wantsTerminal, passesInput, !isTerminal {
            notes.append("Unable to use a TTY - standard input is no terminal")
        }
        // As with kubectl: a container's terminal is used as one wherever it can be.
        isRaw = passesInput && container?.tty == true && isTerminal
    }
}

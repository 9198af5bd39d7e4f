import CLinux
import HTTP
import Kube

/// `exec`: runs a program in a container.
enum ExecCommand {
    static let protocolName = "swiftlet-exec.v1"

    static let command = Command(
        "exec", "POD -- COMMAND [ARGUMENTS]", "run a program in a container", count: 1...1, takesCommand: true,
        options: [
            Option("stdin", "i", "pass standard input on"),
            Option("tty", "t", "with a terminal"),
            Option("container", "c", value: "NAME", "the container, when the pod has several"),
            GetCommand.namespace,
        ],
        details: """
            swiftlet exec web-1 -- cat /etc/hosts      what the program prints; its exit code is this command's
            swiftlet exec -it web-1 -- sh              a shell
            """
    ) { (invocation, tool) throws(CLIError) in
        guard let words = invocation.command, !words.isEmpty else {
            throw .usage("exec: a program is missing; put it after \"--\": swiftlet exec POD -- ls /")
        }
        let agent = try tool.agent()
        let pod = Pod(try PodName.fetch(invocation.arguments[0], invocation, agent))
        let container = try PodName.container(invocation["container"], of: pod, tool)
        var wantsTerminal = invocation.flag("tty")
        if wantsTerminal, isatty(0) == 0 {
            tool.say("standard input is no terminal: the program gets none either")
            wantsTerminal = false
        }
        // A terminal without input would be one that cannot be typed at.
        let passesInput = invocation.flag("stdin")
        var query = words.map { RequestTarget.Item("command", $0) }
        query.append(.init("stdin", passesInput ? "true" : "false"))
        query.append(.init("tty", wantsTerminal ? "true" : "false"))
        if wantsTerminal, let size = Terminal.size() {
            query.append(.init("rows", String(size.rows)))
            query.append(.init("columns", String(size.columns)))
        }
        let path = ["exec", pod.metadata.namespace, pod.metadata.name, container]
        let (socket, rest) = try agent.upgrade(RequestTarget(path: path, query: query), to: protocolName)
        let terminal = wantsTerminal ? try Terminal.raw() : nil
        let end = ExecLoop(socket, rest, passesInput: passesInput, terminal: terminal).run()
        terminal?.restore()
        switch end {
        case .exit(let code):
            if code != 0 { tool.say("command terminated with exit code \(code)") }
            return code
        case .failed(let message): throw .failed(message)
        case .lost: throw CLIError(.unreachable, "the agent went away; the program may still run")
        case .signal(let signal): return 128 + signal
        case .detached: return 0
        }
    }
}

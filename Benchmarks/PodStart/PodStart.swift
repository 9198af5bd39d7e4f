import Base
import CLinux

/// Measures from the wish for a pod to the first instruction of its container, and memory. Called by scripts/bench:
///
///     pod-start-bench pods NAME COUNT BIN ROOT CGROUP FIFO      manifest rename → first instruction, by swiftletd
///     pod-start-bench command NAME COUNT FIFO CLEANUP PROGRAM ARGUMENT...
///                                                              start of PROGRAM → first instruction; `sh -c CLEANUP` after
///
/// Prints `BENCH <name> <value> <unit>` lines.
@main struct PodStart {
    static func main() {
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            print("pod-start-bench: \(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) throws {
        guard arguments.count >= 6, let count = Int(arguments[2]), count > 0 else {
            throw Problem("see the comment of this program for its arguments")
        }
        let name = arguments[1]
        switch arguments[0] {
        case "pods":
            guard arguments.count == 7 else { throw Problem("pods wants NAME COUNT BIN ROOT CGROUP FIFO") }
            let agent = try Agent(
                programs: arguments[3], root: arguments[4], cgroup: arguments[5], fifo: arguments[6])
            defer { agent.end() }
            try Samples(try agent.measureStarts(count)).report(name)
            try agent.reportMemory(pods: 10)
        case "command":
            let command = Peer(
                fifo: try Fifo(arguments[3]), cleanup: arguments[4], program: arguments[5],
                arguments: Array(arguments.dropFirst(6)))
            try Samples(try command.measureStarts(count)).report(name)
        default:
            throw Problem("\(arguments[0]): neither pods nor command")
        }
    }
}

struct Problem: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

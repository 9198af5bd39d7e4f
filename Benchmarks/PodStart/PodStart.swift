import Base
import CLinux

/// Measures from the wish for a pod to the first instruction of its container, and memory. Called by scripts/bench:
///
///     pod-start-bench host|bridge NAME COUNT BIN ROOT CGROUP FIFO BURST IDLE
///                                                              manifest rename → first instruction, by swiftletd; then
///                                                              BURST pods at once, their memory, and IDLE seconds of
///                                                              rest
///     pod-start-bench probes PODS SECONDS BIN ROOT CGROUP FIFO FLOOR CHURN
///                                                              what probes of PODS pods cost in SECONDS, and beside it
///                                                              FLOOR, a bare loop; how soon an end is told; what CHURN
///                                                              pods one after the other leave in the agent
///     pod-start-bench command NAME COUNT FIFO CLEANUP PROGRAM ARGUMENT...
///                                                              start of PROGRAM → first instruction; `sh -c CLEANUP`
///                                                              after
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
        case "host", "bridge":
            guard arguments.count == 9, let burst = Int(arguments[7]), let idle = UInt32(arguments[8]) else {
                throw Problem("host and bridge want NAME COUNT BIN ROOT CGROUP FIFO BURST IDLE")
            }
            let agent = try Agent(
                programs: arguments[3], root: arguments[4], cgroup: arguments[5], fifo: arguments[6],
                onHost: arguments[0] == "host")
            defer { agent.end() }
            try Samples(try agent.measureStarts(count)).report(name)
            if burst > 0 { try agent.measureBurst(burst, idle: idle) }
        case "probes":
            guard arguments.count == 9, let seconds = UInt32(arguments[2]), let pods = Int(name),
                let churn = Int(arguments[8])
            else { throw Problem("probes wants PODS SECONDS BIN ROOT CGROUP FIFO FLOOR CHURN") }
            let agent = try Agent(
                programs: arguments[3], root: arguments[4], cgroup: arguments[5], fifo: arguments[6], onHost: false)
            defer { agent.end() }
            try agent.measureProbes(pods, seconds: seconds, floor: arguments[7])
            try agent.measureExecProbes(min(pods, 20), seconds: seconds)
            try agent.measureStatus(min(pods, 100), isBurst: false)
            try agent.measureStatus(min(pods, 100), isBurst: true)
            try agent.measureChurn(churn)
        case "command":
            let command = Peer(
                fifo: try Fifo(arguments[3]), cleanup: arguments[4], program: arguments[5],
                arguments: Array(arguments.dropFirst(6)))
            try Samples(try command.measureStarts(count)).report(name)
        default:
            throw Problem("\(arguments[0]): none of host, bridge, probes and command")
        }
    }
}

struct Problem: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

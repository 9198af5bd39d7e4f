import Base
import CLinux
import Linux

/// Measures how long the chain `bridge` with `host-local`, and `portmap`, takes to attach and detach containers: ours,
/// Debian's, and a floor program that does the same over netlink alone. Called by scripts/bench-cni, in mount and network
/// namespaces of its own:
///
///     cni-bench FLOOR OURS REFERENCE FOLDER COUNT SCALE REFERENCE_SCALE PORTS REFERENCE_PORTS
///
/// OURS and REFERENCE are folders of plugins, REFERENCE may be empty. Prints `BENCH <name> <value> <unit>` lines, and
/// ratios.
@main struct CNIBench {
    static func main() {
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            print("cni-bench: \(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) throws {
        guard arguments.count == 9 else { throw Problem("see the comment of this program for its arguments") }
        let numbers = try arguments[4...].map { text in
            guard let number = Int(text), number >= 0 else { throw Problem("\(text) is no number") }
            return number
        }
        let folder = arguments[3]
        func lane(_ name: String) throws -> (host: String, leases: String) {
            let leases = Path.join(folder, "leases-\(name)")
            try Files.makeDirectories(leases)
            let host = Path.join(folder, "host-\(name)")
            try NetworkNamespace.create(at: host)
            return (host, leases)
        }
        let ours = try lane("ours")
        let own = PluginLane("ours", programs: arguments[1], host: ours.host, leases: ours.leases)
        let floor = try lane("floor")
        let least = try FloorLane(program: arguments[0], host: floor.host, leases: floor.leases)
        var reference: PluginLane?
        if !arguments[2].isEmpty {
            let (host, leases) = try lane("reference")
            reference = PluginLane("reference", programs: arguments[2], host: host, leases: leases)
        }
        let theirs: [PluginLane] = reference.map { [$0] } ?? []
        let bench = Measurement(folder: folder, lanes: [own, least] + theirs)
        try bench.measureStarts(numbers[0])
        try bench.measureRounds(numbers[0])
        try bench.measurePorts(numbers[3], reference: numbers[4])
        try bench.measureGrowth(to: numbers[1], reference: numbers[2])
        for lane in [own] + theirs { print("BENCH cni_\(lane.name)_del_failed \(lane.failures) calls") }
    }
}

struct Problem: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

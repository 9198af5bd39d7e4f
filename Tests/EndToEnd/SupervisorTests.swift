import Base
import CLinux
import JSON

let supervisorSuite = Suite("supervisor", isOfKernel: true) {
    [
        Test("a killed supervisor takes its containers down and the pod is started again") { node in
            try node.drop("lost.yaml", shellPod("lost", hold, restart: "Always"))
            let before = try node.waitReady("lost")
            let main = try node.processes("lost").first ?? 0
            let supervisor = try supervisorPID(node, before)
            guard CLinux.kill(supervisor, SIGKILL) == 0 else { throw SystemError("kill", "\(supervisor)") }
            try node.wait("lost", "restarted", seconds: 30) {
                ($0.container()?.integer("restartCount") ?? 0) >= 1 && $0.container()?.at("state.running") != nil
            }
            try expect(try node.processes("lost").first != main, "the old process still runs")
            try expect(try node.eventReasons("lost").contains("SupervisorLost"), "no event SupervisorLost")
        },
        Test("a supervisor keeps little memory of its own") { node in
            try node.drop("small.yaml", shellPod("small", hold, restart: "Always"))
            let pod = try node.waitReady("small")
            let kilobytes = try privateMemory(try supervisorPID(node, pod))
            try expect(kilobytes < 320, "\(kilobytes) kB private")
        },
    ]
}

/// The supervisor's pid: the process `swiftlet-pod` that names the pod's uid.
func supervisorPID(_ node: Node, _ pod: JSONValue) throws -> pid_t {
    let uid = pod.string("metadata.uid") ?? "?"
    guard
        let found = LeakCount.processes().first(where: {
            $0.command.contains("swiftlet-pod") && $0.command.contains(uid)
        })
    else { throw Failure("no swiftlet-pod of \(uid)") }
    return found.pid
}

/// Memory that a process has for itself, in kB: what it wrote. The pages of its program are one file's, shared by all
/// supervisors, and the kernel takes them back when it wants.
func privateMemory(_ pid: pid_t) throws -> Int64 {
    for line in try Files.readText("/proc/\(pid)/smaps_rollup").split(separator: "\n")
    where line.hasPrefix("Private_Dirty:") {
        return line.split(separator: " ").compactMap { Int64($0) }.first ?? 0
    }
    throw Failure("no Private_Dirty of process \(pid)")
}

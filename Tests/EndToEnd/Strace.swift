import Base
import CLinux

/// strace on a process that runs already.
struct Strace {
    private let tracer: ChildProcess
    private let file: String

    /// Attaches.
    ///
    /// - Parameter follows: with all threads the process has and will have, and what it forks up to its exec.
    init(_ pid: pid_t, _ node: Node, follows: Bool, _ arguments: [String]) throws {
        file = "\(Path.parent(node.root))/strace-\(pid).out"
        var spawn = Spawn(
            "/usr/bin/strace",
            (follows ? ["-f", "-b", "execve"] : []) + ["-qq", "-o", file, "-p", "\(pid)"] + arguments,
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        spawn.parentDeathSignal = SIGKILL
        let tracer = try spawn.start()
        self.tracer = tracer
        try node.eventually("strace is attached to \(pid)", seconds: 10) {
            if try tracer.wait(block: false) != nil { throw Failure("strace does not attach to process \(pid)") }
            return try Files.readText("/proc/\(pid)/status").split(separator: "\n")
                .contains { $0.hasPrefix("TracerPid:") && !$0.hasSuffix("\t0") }
        }
    }

    /// What strace has written.
    var output: String { (try? text(file)) ?? "" }

    /// Lets the process go on without strace, if it still is there.
    func detach() throws {
        try tracer.send(SIGTERM)
        _ = try tracer.wait(block: true)
        try Files.remove(file)
    }
}

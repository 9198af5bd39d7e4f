import Base
import CLinux

/// Other programs of this machine.
enum Programs {
    static let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]

    /// Where a program is; nil when it is not installed.
    static func find(_ program: String) -> String? {
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map { Path.join($0, program) }.first { access($0, X_OK) == 0 }
    }

    /// Runs a program for a time at most.
    ///
    /// - Parameters:
    ///   - path: a new file for what it prints.
    ///   - output: takes its standard output instead.
    /// - Returns: what went wrong.
    static func run(
        _ program: String, _ arguments: [String], into path: String, output: SharedDescriptor? = nil,
        within time: Nanoseconds
    ) -> String? {
        do throws(SystemError) {
            let file = SharedDescriptor(try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
            var spawn = Spawn(program, arguments, environment: environment)
            spawn.standardOutput = output ?? file
            spawn.standardError = file
            let child = try spawn.start()
            var wait = pollfd(fd: child.pidfd.raw, events: Int16(POLLIN), revents: 0)
            if poll(&wait, 1, Int32(clamping: time.count / 1_000_000)) <= 0 { try child.send(SIGKILL) }
            guard let exit = try child.wait(block: true) else { return "it did not end" }
            if exit.signal != 0 { return "it took too long, or was ended by signal \(exit.signal)" }
            return exit.code == 0 ? nil : "it ended with code \(exit.code)"
        } catch {
            return "\(error)"
        }
    }
}

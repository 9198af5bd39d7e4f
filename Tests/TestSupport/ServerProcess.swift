import Base
import CLinux

/// Another program that serves a test, with what it says in a file. It goes with this value, and with the test's
/// process.
public final class ServerProcess {
    private let process: ChildProcess
    private let log: String

    /// - Parameter log: the file that its output and errors are added to.
    public init(_ program: String, _ arguments: [String], environment: [String] = [], log: String) throws {
        self.log = log
        var spawn = Spawn(program, arguments, environment: environment)
        let file = SharedDescriptor(try FileDescriptor.open(log, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600))
        spawn.standardOutput = file
        spawn.standardError = file
        spawn.parentDeathSignal = SIGKILL
        process = try spawn.start()
    }

    deinit {
        _ = try? process.send(SIGKILL)
        _ = try? process.wait(block: true)
    }

    /// Waits until it has said `part`.
    ///
    /// - Throws: `SystemError` with what it said, when it ends before or takes too long.
    public func wait(untilItSays part: String, seconds: Int64 = 30) throws {
        let watcher = FileDescriptor(
            adopting: try retrying("inotify_init1", log) { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) })
        let raw = watcher.raw
        try retrying("watch", log) { inotify_add_watch(raw, log, UInt32(IN_MODIFY)) }
        let deadline = BootInstant.now + .seconds(seconds)
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let said = try Files.readText(log)
            if said.contains(part) { return }
            let left = deadline - BootInstant.now
            guard left.count > 0, !process.hasEnded else {
                throw SystemError("wait until a server says \"\(part)\"; it said:", said, Errno(rawValue: ETIMEDOUT))
            }
            var polled = [
                pollfd(fd: raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: process.pidfd.raw, events: Int16(POLLIN), revents: 0),
            ]
            poll(&polled, 2, Int32(clamping: left.count / 1_000_000 + 1))
            while read(raw, &buffer, buffer.count) > 0 {}
        }
    }
}

import Base
import CLinux

/// A program on a pseudo-terminal of its own, driven as a person does: by keys, and by what is shown.
public final class PseudoTerminal {
    /// The other end of the program's terminal.
    public let master: SharedDescriptor
    public let child: ChildProcess
    /// All that was shown so far.
    public private(set) var shown: [UInt8] = []

    /// Starts `program` with the terminal as its controlling one, 24 rows by 80 columns.
    public init(_ program: String, _ arguments: [String], parentDeathSignal: Int32 = 0) throws {
        let slave: SharedDescriptor
        (master, slave) = try Self.open()
        swl_set_window_size(master.raw, 24, 80)
        try master.descriptor.setNonBlocking()
        // setsid makes the terminal the program's own, so that it hears of a new size.
        var spawn = Spawn(
            "/usr/bin/setsid", ["--ctty", "--wait", program] + arguments,
            environment: ["TERM=xterm", "PATH=/usr/bin:/bin"])
        spawn.standardInput = slave
        spawn.standardOutput = slave
        spawn.standardError = slave
        spawn.parentDeathSignal = parentDeathSignal
        child = try spawn.start()
    }

    /// A terminal of this machine: its two ends.
    public static func open() throws(SystemError) -> (master: SharedDescriptor, slave: SharedDescriptor) {
        let raw = try retrying("posix_openpt", "/dev/ptmx") { posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) }
        let master = SharedDescriptor(FileDescriptor(adopting: raw))
        try retrying("unlockpt", "/dev/ptmx") { unlockpt(raw) }
        var name = [CChar](repeating: 0, count: 64)
        let error = ptsname_r(raw, &name, name.count)
        guard error == 0 else { throw SystemError("ptsname_r", "/dev/ptmx", Errno(rawValue: error)) }
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (master, SharedDescriptor(try FileDescriptor.open(path, O_RDWR | O_NOCTTY)))
    }

    deinit {
        guard (try? child.send(SIGKILL)) == true else { return }
        _ = try? child.wait(block: true)
    }

    /// Types keys. They must fit what the terminal holds.
    public func type(_ text: String) throws { try master.descriptor.writeAll(text.utf8) }

    public func resize(rows: UInt16, columns: UInt16) throws {
        let raw = master.raw
        try retrying("set the size of", "the terminal") { swl_set_window_size(raw, rows, columns) }
    }

    /// Takes what is shown now.
    public func read() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let n = CLinux.read(master.raw, &buffer, buffer.count)
            guard n > 0 else { return }
            shown += buffer[..<n]
        }
    }

    public var text: String { String(decoding: shown, as: UTF8.self) }

    /// Whether keys are handed on one by one, unseen.
    public var isRaw: Bool {
        var settings = termios()
        return tcgetattr(master.raw, &settings) == 0 && settings.c_lflag & tcflag_t(ICANON | ECHO) == 0
    }

    /// Reads until `isDone`.
    ///
    /// - Throws: `SystemError` with what is shown last, when that takes too long; what `isDone` throws.
    public func wait(for what: String = "the end", seconds: Int64 = 20, until isDone: () throws -> Bool) throws {
        let deadline = BootInstant.now + .seconds(seconds)
        var hungUp = false
        while true {
            read()
            if try isDone() { return }
            guard BootInstant.now < deadline else {
                throw SystemError(
                    "wait for \(what); shown last:", String(text.suffix(1000)), Errno(rawValue: ETIMEDOUT))
            }
            // Until there is more to see, or it has ended; what else `isDone` may look at comes without a word.
            var polled = [
                pollfd(fd: hungUp ? -1 : master.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: hungUp ? -1 : child.pidfd.raw, events: Int16(POLLIN), revents: 0),
            ]
            poll(&polled, 2, 10)
            hungUp = polled[1].revents != 0 || polled[0].revents & Int16(POLLHUP) != 0
        }
    }

    /// Waits until `part` is shown, from the byte numbered `from` on.
    public func expect(_ part: String, from: Int = 0, seconds: Int64 = 20) throws {
        try wait(for: "\"\(part)\"", seconds: seconds) { shows(part, from: from) }
    }

    /// Whether `part` is shown, from the byte numbered `from` on. Bytes are compared: to a `String` a line end of two
    /// characters is one.
    public func shows(_ part: String, from: Int = 0) -> Bool {
        let wanted = Array(part.utf8)
        return shown.indices.dropFirst(from).contains { shown[$0...].starts(with: wanted) }
    }

    /// Types a line and waits until `answer` is shown after it.
    public func say(_ line: String, expecting answer: String, seconds: Int64 = 20) throws {
        let from = shown.count
        try type(line + "\r")
        try expect(answer, from: from, seconds: seconds)
    }

    /// How the program ended, once it has.
    public func exitCode(seconds: Int64 = 20) throws -> Int32? {
        var exit: ChildProcess.Exit?
        try wait(for: "the program's end", seconds: seconds) {
            exit = try child.wait(block: false)
            return exit != nil
        }
        read()
        return exit?.code
    }
}

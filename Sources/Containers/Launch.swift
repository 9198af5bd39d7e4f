import Base
import CLinux
import JSON

/// A process on its way into a container.
public struct Launch: Sendable {
    public let process: ChildProcess
    /// Becomes readable when the outcome is known; non-blocking. Given to `LaunchStatus.receive`.
    public let status: SharedDescriptor
    let terminal: SharedDescriptor?

    init(process: ChildProcess, status: SharedDescriptor, terminal: SharedDescriptor?) {
        self.process = process
        self.status = status
        self.terminal = terminal
    }

    /// The master of the process's pseudo-terminal. Nil when none was asked for. To be called after the status said
    /// `started`.
    ///
    /// - Throws: `SystemError` when the process did not send it.
    public func receiveTerminal() throws(SystemError) -> FileDescriptor? {
        guard let terminal else { return nil }
        return FileDescriptor(
            adopting: try retrying("receive the terminal of", "process \(process.pid)") {
                swl_receive_fd(terminal.raw)
            })
    }
}

/// Collects what a launched process says on its status pipe.
public struct LaunchStatus: Sendable {
    public enum Outcome: Sendable, Hashable {
        /// The program has been executed, as this user. `notes` are things that could not be had as asked
        /// (a limit beyond what this machine may raise), each a sentence.
        case started(ResolvedUser, notes: [String])
        case failed(ContainerError)
    }

    /// More than a report can have; what exceeds it is not read.
    static let limit = 64 << 10
    private var bytes: [UInt8] = []

    public init() {}

    /// Reads what there is. Nil when there is more to come.
    public mutating func receive(_ launch: Launch) -> Outcome? {
        var chunk = InlineArray<4096, UInt8>(repeating: 0)
        while true {
            var count: Int? = nil
            do {
                var span = chunk.mutableSpan
                count = try span.withUnsafeMutableBytes { (buffer) throws(SystemError) in
                    try launch.status.descriptor.read(into: buffer)
                }
            } catch { return .failed(ContainerError(error)) }
            guard let count else { return nil }
            if count == 0 { return Self.decode(bytes, pid: launch.process.pid) }
            for i in 0..<count where bytes.count < Self.limit { bytes.append(chunk[i]) }
        }
    }

    /// A success report is `{"user":...,"notes":[...]}`, a failure `{"error":...}` on a line; when both stand there,
    /// the execution itself failed. Nothing at all: the process was killed on its way.
    static func decode(_ bytes: [UInt8], pid: pid_t) -> Outcome {
        var started: Outcome?
        for line in bytes.split(separator: 0x0A) {
            guard let value = try? JSONParser.parse(line, limits: .init(bytes: limit, depth: 8)) else { break }
            if let error = value["error"].flatMap(ContainerError.init(json:)) { return .failed(error) }
            if let user = value["user"].flatMap(ResolvedUser.init(json:)) {
                started = .started(user, notes: value["notes"]?.stringsValue ?? [])
            }
        }
        return started
            ?? .failed(
                ContainerError(
                    .killed, "set up the container's process", "\(pid)",
                    hint: "it ended before it could execute the program; its memory limit may be too small to start"))
    }
}

import Base
import PodProtocol

/// Where a container can be attached to: its standard input and its terminal, and those who are there.
final class AttachPoint {
    /// At a time.
    static let maximumSessions = 32

    private let name: String
    /// Nil for a container without standard input.
    private let input: ProcessInput?
    /// The end of the first one's input is the container's.
    private let endsInput: Bool
    /// From the program's start on, when the container has one.
    private var terminal: ProcessTerminal?
    private var sessions: [AttachSession] = []

    init(_ start: StartContainer, _ loop: EventLoop) {
        name = start.container
        input = start.standardInput ? ProcessInput(loop) : nil
        endsInput = start.standardInputOnce && !start.terminal
        input?.onRoom = { [weak self] in self?.holdBack() }
    }

    /// The program runs: its standard input is the pipe's or the terminal's.
    func begin(_ pipe: SharedDescriptor?, _ terminal: ProcessTerminal?) {
        self.terminal = terminal
        if let terminal {
            input?.start(terminal.input, isTerminal: true)
        } else if let pipe {
            input?.start(pipe, isTerminal: false)
        }
    }

    /// Makes `connection` one that is attached to a container whose first process is `pid`.
    func attach(_ request: AttachRequest, _ id: Int64, _ pid: Int64, for connection: ControlConnection)
        throws(RequestFailure)
    {
        guard sessions.count < Self.maximumSessions else {
            throw RequestFailure(.busy, "attach: \(sessions.count) are attached to container \(name) already")
        }
        if request.standardInput, let input, input.hasEnded {
            throw RequestFailure(
                .invalid,
                "attach: the standard input of container \(name) is closed: it has stdinOnce, and somebody was "
                    + "attached; attach without input")
        }
        let session = AttachSession(connection, to: self, passesInput: request.standardInput && input != nil)
        sessions.append(session)
        connection.become(session)
        connection.reply(id, .success(.process(pid)))
        if let size = request.size { _ = terminal?.resize(size) }
    }

    /// Passes on what the container has written.
    func output(_ channel: Frame.Channel, _ bytes: UnsafeRawBufferPointer) {
        for session in sessions { session.output(channel, bytes) }
    }

    var isInputFull: Bool { input?.isFull ?? false }

    /// Bytes from one of them; none is the end of its input.
    func input(_ bytes: [UInt8]) {
        if !bytes.isEmpty {
            input?.write(bytes)
        } else if endsInput {
            input?.end()
        }
    }

    private func holdBack() {
        for session in sessions { session.holdBack() }
    }

    func resize(_ size: TerminalSize) -> Result<Reply.Value, RequestFailure> {
        terminal?.resize(size)
            ?? .failure(RequestFailure(.invalid, "resize: container \(name) has no terminal"))
    }

    func remove(_ session: AttachSession) { sessions.removeAll { $0 === session } }

    /// The process has ended: nobody reads its input any more.
    func closeInput() {
        input?.close()
        holdBack()
    }

    /// All output was passed on: tells the end to those who are there.
    func end(_ exit: ChildProcess.Exit?) {
        closeInput()
        terminal = nil
        let all = sessions
        sessions = []
        for session in all { session.end(exit) }
    }
}

import Base
import CLinux
import PodProtocol

/// A process in a container, or a container itself, and the connection to its terminal or its pipes. Used from the
/// loop's thread only.
public final class SupervisorSession {
    public struct Handlers {
        /// The process runs; its number in the host's pid namespace.
        public var onStarted: ((Int64) -> Void)?
        /// Bytes of its output (`standardOutput`, with a terminal all of it) or error output.
        public var onOutput: ((Frame.Channel, [UInt8]) -> Void)?
        /// So many bytes of the output were left out, as this side did not read; only of a container itself.
        public var onSkipped: ((Int64) -> Void)?
        /// Called once, last: how the process ended, or why it did not run or is lost.
        public var onEnd: ((Result<ChildProcess.Exit, RequestFailure>) -> Void)?
        /// Input that had to wait was taken.
        public var onInputDrained: (() -> Void)?

        public init() {}
    }

    private let connection: FrameConnection
    private var handlers: Handlers
    private var isStarted = false
    private var nextID: Int64 = 2
    /// A size from before the process ran, and what was typed after it: the program finds them in that order.
    private var earlySize: TerminalSize?
    private var earlyInput: [UInt8] = []
    private var earlyEnd = false

    init(
        _ request: Request.Body, _ socket: consuming FileDescriptor, _ handlers: Handlers, _ loop: EventLoop
    ) throws(SystemError) {
        self.handlers = handlers
        connection = try FrameConnection(socket, on: loop)
        // The session lives as long as its connection, whoever keeps it.
        connection.onFrame = { self.received($0) }
        connection.onEnd = { self.end(.failure(RequestFailure(.lost, "the supervisor is gone: \($0)"))) }
        connection.onDrained = { [weak self] in self?.handlers.onInputDrained?() }
        connection.send(.hello(Hello(program: "swiftletd \(Release.version)")))
        connection.send(.request(Request(id: 1, request)))
    }

    /// Sends input. It waits in memory when the process does not read: send no more while `pendingInput` is large.
    public func write(_ bytes: UnsafeRawBufferPointer) {
        if waitsForSize { return earlyInput += bytes }
        var rest = bytes
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(32 * 1024))
            connection.send(.standardInput, piece)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
        }
    }

    /// Input that the kernel has not taken yet, in bytes.
    public var pendingInput: Int { connection.pendingOutput + earlyInput.count }

    /// Ends the input.
    public func closeInput() {
        if waitsForSize { return earlyEnd = true }
        connection.send(.standardInput, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    private var waitsForSize: Bool { earlySize != nil && !isStarted }

    /// Sets the terminal's size. There is none before the process runs: until then the last size is kept.
    public func resize(_ size: TerminalSize) {
        guard isStarted else { return earlySize = size }
        connection.send(.request(Request(id: nextID, .resize(size))))
        nextID += 1
    }

    /// Holds the output back, and so in the end the process.
    public var isOutputPaused: Bool {
        get { connection.isPaused }
        set { connection.isPaused = newValue }
    }

    /// Leaves a container: what was sent still reaches it, and is the end of this one's input. No handler is called any
    /// more.
    public func leave() {
        handlers = Handlers()
        closeInput()
        connection.closeWhenDrained()
    }

    /// Ends the session, and with it the process of an exec. No handler is called any more.
    public func close() {
        handlers = Handlers()
        connection.close()
    }

    private func received(_ frame: Frame) {
        switch frame.channel {
        case .standardOutput, .standardError: handlers.onOutput?(frame.channel, frame.payload)
        case .control:
            do {
                try control(Message(frame.payload))
            } catch {
                end(.failure(RequestFailure(.lost, "the supervisor does not speak the protocol: \(error)")))
            }
        default: break
        }
    }

    private func control(_ message: Message) {
        switch message {
        case .reply(let reply) where reply.id == 1:
            switch reply.result {
            case .success(.process(let pid)):
                isStarted = true
                sendEarly()
                handlers.onStarted?(pid)
            case .success: end(.failure(RequestFailure(.failed, "the supervisor gave an answer that does not fit")))
            case .failure(let failure): end(.failure(failure))
            }
        case .event(.outputSkipped(let bytes)): handlers.onSkipped?(bytes)
        case .event(.sessionEnded(let code, let signal)):
            end(.success(ChildProcess.Exit(code: code, signal: signal)))
        case .hello(let hello):
            if let failure = hello.failure { end(.failure(RequestFailure(.lost, failure))) }
        default: break
        }
    }

    private func sendEarly() {
        guard let size = earlySize else { return }
        resize(size)
        let input = earlyInput
        earlyInput = []
        input.withUnsafeBytes { write($0) }
        if earlyEnd { closeInput() }
        // Nothing is left of it that the connection would tell of.
        if !input.isEmpty, connection.pendingOutput == 0 { handlers.onInputDrained?() }
    }

    private func end(_ result: Result<ChildProcess.Exit, RequestFailure>) {
        let handler = handlers.onEnd
        close()
        handler?(result)
    }
}

import Base
import PodProtocol
import PodRuntime

/// An attach session of the API over one of the pod's supervisor.
final class SupervisedAttach: ExecSession {
    /// Output that is kept for a client that is behind, before the supervisor leaves some of it out.
    static let outputLimit = 1 << 20

    private let loop: EventLoop
    private let keepsInput: () -> Bool
    private let client: ExecClient
    /// Where sentences of the node go: a terminal has one output.
    private let notices: ExecClient.Stream
    private let lineEnd: String
    private var session: SupervisorSession?
    private var isPaused = false
    private var waiting: [(stream: ExecClient.Stream, bytes: [UInt8])] = []
    private var waitingBytes = 0

    private init(_ client: ExecClient, hasTerminal: Bool, _ loop: EventLoop, _ keepsInput: @escaping () -> Bool) {
        self.client = client
        self.keepsInput = keepsInput
        self.loop = loop
        notices = hasTerminal ? .standardOutput : .standardError
        lineEnd = hasTerminal ? "\r\n" : "\n"
    }

    /// - Parameter keepsInput: asked when the client goes: whether that is not the end of its input.
    static func start(
        _ request: AttachRequest, container: String, hasTerminal: Bool, supervisor: SupervisorClient,
        client: ExecClient, on loop: EventLoop, keepsInput: @escaping () -> Bool
    ) throws(NodeServiceError) -> SupervisedAttach {
        let attach = SupervisedAttach(client, hasTerminal: hasTerminal, loop, keepsInput)
        var handlers = SupervisorSession.Handlers()
        handlers.onOutput = { channel, bytes in
            attach.output(channel == .standardError ? .standardError : .standardOutput, bytes)
        }
        handlers.onSkipped = { attach.skipped($0) }
        handlers.onInputDrained = { client.inputReady() }
        handlers.onEnd = { attach.ended($0) }
        let size =
            hasTerminal && request.rows > 0 && request.columns > 0
            ? TerminalSize(rows: request.rows, columns: request.columns) : nil
        do throws(SystemError) {
            attach.session = try supervisor.attach(
                PodProtocol.AttachRequest(container: container, standardInput: request.stdin, size: size), handlers)
        } catch {
            throw .failed("the pod's supervisor does not answer: \(error)")
        }
        return attach
    }

    // MARK: From the container

    private func output(_ stream: ExecClient.Stream, _ bytes: [UInt8]) {
        guard isPaused || !waiting.isEmpty else { return client.output(stream, bytes) }
        waiting.append((stream, bytes))
        waitingBytes += bytes.count
        if waitingBytes >= Self.outputLimit { session?.isOutputPaused = true }
    }

    private func skipped(_ bytes: Int64) {
        let text = "\(lineEnd)[swiftlet] \(bytes) bytes are left out here: they were not read in time\(lineEnd)"
        output(notices, Array(text.utf8))
    }

    private func ended(_ result: Result<ChildProcess.Exit, RequestFailure>) {
        session = nil
        // The rest is bounded.
        isPaused = false
        handOver()
        client.finished(result.map(\.code).mapError { .failed($0.message) })
    }

    /// Hands over what waits, until the client is behind again.
    private func handOver() {
        var next = waiting.startIndex
        while !isPaused, next < waiting.endIndex {
            let (stream, bytes) = waiting[next]
            next += 1
            waitingBytes -= bytes.count
            client.output(stream, bytes)
        }
        waiting.removeSubrange(..<next)
        if waitingBytes < Self.outputLimit { session?.isOutputPaused = false }
    }

    // MARK: From the client

    func send(_ bytes: [UInt8]) -> Bool {
        guard let session else { return true }
        bytes.withUnsafeBytes { session.write($0) }
        return session.pendingInput < SupervisedExec.inputLimit
    }

    func closeInput() { session?.closeInput() }

    func resize(rows: UInt16, columns: UInt16) {
        session?.resize(TerminalSize(rows: rows, columns: columns))
    }

    func pauseOutput() { isPaused = true }

    func resumeOutput() {
        isPaused = false
        loop.enqueue { [weak self] in self?.handOver() }
    }

    /// Leaves the container as it is.
    func cancel() {
        if keepsInput() { session?.close() } else { session?.leave() }
        session = nil
        waiting = []
    }
}

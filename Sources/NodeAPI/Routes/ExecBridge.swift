import JSON
import PodProtocol

/// Carries the frames between a client and a process in a container, holding back whichever side is too fast.
final class ExecBridge {
    private var session: (any ExecSession)?
    private var stream: ByteStream?
    private var decoder = FrameDecoder()
    private var isInputPaused = false
    private var isOutputPaused = false
    private var isStdinClosed = false

    /// What the agent calls. It keeps the bridge.
    var client: ExecClient {
        ExecClient(
            output: { self.output($0, $1) }, inputReady: { self.inputReady() }, finished: { self.finished($0) })
    }

    func start(_ session: any ExecSession, _ stream: ByteStream) {
        self.session = session
        self.stream = stream
        stream.onInput = { [weak self] in self?.input($0) }
        stream.onDrained = { [weak self] in self?.drained() }
        stream.onClosed = { [weak self] in self?.cancel() }
    }

    private func input(_ bytes: [UInt8]) {
        decoder.append(bytes)
        takeFrames()
    }

    private func takeFrames() {
        do {
            while !isInputPaused, session != nil, let frame = try decoder.next() { try take(frame) }
        } catch {
            fail("the client does not speak \(Router.execProtocol): \(error)")
        }
    }

    private func take(_ frame: Frame) throws {
        switch frame.channel {
        case .standardInput where frame.payload.isEmpty:
            isStdinClosed = true
            session?.closeInput()
        case .standardInput:
            guard !isStdinClosed, let session else { return }
            if !session.send(frame.payload) {
                isInputPaused = true
                stream?.pauseInput()
            }
        case .control:
            let message = try JSONParser.parse(frame.payload, limits: .init(bytes: 4096, depth: 4))
            // Messages of newer clients that mean nothing here are passed over.
            guard try message.requiredString("type") == "resize" else { return }
            let rows = UInt16(clamping: try message.requiredInteger("rows"))
            let columns = UInt16(clamping: try message.requiredInteger("columns"))
            session?.resize(rows: rows, columns: columns)
        default: break
        }
    }

    private func inputReady() {
        guard isInputPaused else { return }
        isInputPaused = false
        takeFrames()
        if !isInputPaused { stream?.resumeInput() }
    }

    private func output(_ channel: ExecClient.Stream, _ bytes: [UInt8]) {
        guard let stream else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(1 << 20)
            stream.write(Frame(channel == .standardOutput ? .standardOutput : .standardError, Array(part)).bytes)
            rest = rest.dropFirst(part.count)
        }
        if stream.isCongested, !isOutputPaused {
            isOutputPaused = true
            session?.pauseOutput()
        }
    }

    private func drained() {
        guard isOutputPaused else { return }
        isOutputPaused = false
        session?.resumeOutput()
    }

    private func finished(_ result: Result<Int32, NodeServiceError>) {
        session = nil
        switch result {
        case .success(let code): end(["type": "exit", "code": .integer(code)])
        case .failure(let error): end(["type": "error", "message": .string(error.message)])
        }
    }

    private func fail(_ message: String) {
        cancel()
        end(["type": "error", "message": .string(message)])
    }

    private func end(_ message: JSONValue) {
        let stream = self.stream
        self.stream = nil
        stream?.write(Frame(.control, JSONWriter().bytes(message)).bytes)
        stream?.finish()
    }

    private func cancel() {
        let session = self.session
        self.session = nil
        session?.cancel()
    }
}

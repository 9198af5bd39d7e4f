/// Carries bytes between a client and what runs for it in a pod (one process, or connections to some ports), holding
/// back whichever side is too fast. How they travel is the wire's matter.
final class SessionBridge {
    private var wire: any SessionWire
    /// Nil where one has finished.
    private var sessions: [(any ExecSession)?] = []
    private var stream: ByteStream?
    /// Sessions that take no more input at the moment.
    private var full: Set<Int> = []
    private var closedInputs: Set<Int> = []
    private var isOutputPaused = false

    init(_ wire: any SessionWire) { self.wire = wire }

    /// What the agent calls for the session `index`. It keeps the bridge.
    func client(_ index: Int) -> ExecClient {
        ExecClient(
            output: { self.output(index, $0, $1) }, inputReady: { self.inputReady(index) },
            finished: { self.finished(index, $0) })
    }

    func start(_ sessions: [any ExecSession], _ stream: ByteStream) {
        self.sessions = sessions
        self.stream = stream
        stream.onInput = { [weak self] in self?.input($0) }
        stream.onDrained = { [weak self] in self?.drained() }
        stream.onClosed = { [weak self] in self?.cancel() }
        stream.write(wire.greeting)
    }

    // MARK: From the client

    private func input(_ bytes: [UInt8]) {
        wire.receive(bytes)
        takeSignals()
    }

    private func takeSignals() {
        do throws(SessionWireError) {
            while full.isEmpty, stream != nil, let signal = try wire.next() { take(signal) }
        } catch {
            cancel()
            end(error)
        }
    }

    private func take(_ signal: SessionSignal) {
        switch signal {
        case .input(let index, let bytes):
            guard !closedInputs.contains(index), let session = session(index) else { return }
            if !session.send(bytes) {
                full.insert(index)
                stream?.pauseInput()
            }
        case .endOfInput(let index):
            if closedInputs.insert(index).inserted { session(index)?.closeInput() }
        case .resize(let rows, let columns): session(0)?.resize(rows: rows, columns: columns)
        case .reply(let bytes):
            // A client that asks and does not read is not answered: what waits here would grow.
            if let stream, !stream.isCongested { stream.write(bytes) }
        case .close:
            cancel()
            end(nil)
        }
    }

    private func session(_ index: Int) -> (any ExecSession)? {
        sessions.indices.contains(index) ? sessions[index] : nil
    }

    private func inputReady(_ index: Int) {
        guard full.remove(index) != nil, full.isEmpty else { return }
        takeSignals()
        if full.isEmpty { stream?.resumeInput() }
    }

    // MARK: To the client

    private func output(_ index: Int, _ channel: ExecClient.Stream, _ bytes: [UInt8]) {
        guard let stream else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(wire.partLimit)
            stream.write(wire.output(index, channel, part))
            rest = rest.dropFirst(part.count)
        }
        if stream.isCongested, !isOutputPaused {
            isOutputPaused = true
            for session in sessions { session?.pauseOutput() }
        }
    }

    private func drained() {
        guard isOutputPaused else { return }
        isOutputPaused = false
        for session in sessions { session?.resumeOutput() }
    }

    private func finished(_ index: Int, _ result: Result<Int32, NodeServiceError>) {
        guard sessions.indices.contains(index) else { return }
        sessions[index] = nil
        stream?.write(wire.finished(index, result))
        if sessions.allSatisfy({ $0 == nil }) { return end(nil) }
        inputReady(index)
    }

    private func end(_ error: SessionWireError?) {
        let stream = self.stream
        self.stream = nil
        stream?.write(wire.end(error))
        stream?.finish()
    }

    private func cancel() {
        let sessions = self.sessions
        self.sessions = []
        for session in sessions { session?.cancel() }
    }
}

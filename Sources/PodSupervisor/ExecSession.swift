import Base
import CLinux
import PodProtocol

/// A further process in a container and the connection that is its terminal or its pipes. The data is held back on both
/// sides by the kernel's buffers: nothing piles up here.
final class ExecSession: Session {
    /// Output waiting for the peer beyond which the process is not read.
    static let maximumBacklog = 64 * 1024
    /// How long a process with a terminal may take to end after its peer has hung up.
    static let hangupTime = Nanoseconds.seconds(10)
    /// How long output is read after the process has ended, when something else keeps the pipe open.
    static let drainTime = Nanoseconds.milliseconds(500)

    private let loop: EventLoop
    private let scratch: Scratch
    private let connection: ControlConnection
    private let requestID: Int64
    private let request: ExecRequest
    private let launched: any LaunchedProcess
    private let input: ProcessInput
    private var inputPipe: SharedDescriptor?
    private var sources: [Source] = []
    private var terminal: ProcessTerminal?
    private var statusWatch: EventLoop.Token?
    private var processWatch: EventLoop.Token?
    private var timer: EventLoop.Token?
    private var exit: ChildProcess.Exit?
    private var connected = true
    private var isRunning = false
    /// The process is reaped and all is told.
    var onEnd: ((ExecSession) -> Void)?
    var onActivity: (() -> Void)?

    /// One output of the process.
    private final class Source {
        let descriptor: SharedDescriptor
        let channel: Frame.Channel
        var watch: EventLoop.Token?
        init(_ descriptor: SharedDescriptor, _ channel: Frame.Channel) {
            self.descriptor = descriptor
            self.channel = channel
        }
    }

    /// Starts the process. The answer to `requestID` is sent when its program runs.
    init(
        _ request: ExecRequest, id requestID: Int64, in container: SupervisedContainer,
        for connection: ControlConnection,
        scratch: Scratch, loop: EventLoop
    ) throws(RequestFailure) {
        self.loop = loop
        self.scratch = scratch
        self.connection = connection
        self.requestID = requestID
        self.request = request
        input = ProcessInput(loop)
        var output = ProcessOutput()
        do {
            if !request.terminal {
                if request.standardInput {
                    let pipe = try SharedPipe()
                    output.standardInput = pipe.read
                    inputPipe = pipe.write
                    try pipe.write.descriptor.setNonBlocking()
                }
                let (out, error) = (try SharedPipe(), try SharedPipe())
                output.standardOutput = out.write
                output.standardError = error.write
                for (pipe, channel) in [(out, Frame.Channel.standardOutput), (error, .standardError)] {
                    try pipe.read.descriptor.setNonBlocking()
                    sources.append(Source(pipe.read, channel))
                }
            }
        } catch {
            throw RequestFailure(error)
        }
        launched = try container.exec(request, output: output)
        do {
            statusWatch = try loop.watch(launched.status.descriptor, for: .readable) { [weak self] _ in
                self?.statusCame()
            }
            processWatch = try loop.watch(launched.process.pidfd.descriptor, for: .readable) { [weak self] _ in
                self?.processEnded()
            }
        } catch {
            _ = try? launched.process.send(SIGKILL)
            _ = try? launched.process.wait(block: true)
            if let statusWatch { loop.unwatch(statusWatch) }
            throw RequestFailure(error)
        }
        connection.frames.onDrained = { [weak self] in self?.updateSources() }
        input.onRoom = { [weak self] in self?.holdBack() }
    }

    private func statusCame() {
        guard let outcome = launched.outcome() else { return }
        unwatch(&statusWatch)
        switch outcome {
        case .failed(let failure):
            connection.reply(requestID, .failure(failure))
            input.close()
            closeSources()
            _ = try? launched.process.send(SIGKILL)
        case .started:
            isRunning = true
            do {
                if request.terminal {
                    let terminal = try ProcessTerminal(of: launched)
                    self.terminal = terminal
                    sources = [Source(terminal.master, .standardOutput)]
                }
                connection.reply(requestID, .success(.process(Int64(launched.process.pid))))
                updateSources()
                if let stream = terminal?.input ?? inputPipe {
                    input.start(stream, isTerminal: request.terminal)
                    inputPipe = nil
                }
            } catch {
                isRunning = false
                connection.reply(requestID, .failure(RequestFailure(error)))
                _ = try? launched.process.send(SIGKILL)
            }
        }
    }

    func resize(_ size: TerminalSize) -> Result<Reply.Value, RequestFailure> {
        terminal?.resize(size) ?? .failure(RequestFailure(.invalid, "resize: the session has no terminal"))
    }

    // MARK: output

    private var isPeerSlow: Bool { connection.frames.pendingOutput >= Self.maximumBacklog }

    /// Watches the outputs as long as the peer takes them.
    private func updateSources() {
        let wants = isRunning && !isPeerSlow
        for source in sources where (source.watch != nil) != wants {
            if wants {
                source.watch = try? loop.watch(source.descriptor.descriptor, for: .readable) { [weak self] _ in
                    guard let self else { return }
                    _ = self.read(source)
                    self.finishIfDone()
                }
            } else {
                unwatch(&source.watch)
            }
        }
    }

    /// Reads once and sends; false when there is nothing (more).
    private func read(_ source: Source) -> Bool {
        var count: Int?
        // A terminal whose other side is closed everywhere reports an error: that is its end.
        do { count = try source.descriptor.descriptor.read(into: scratch.input) } catch { count = 0 }
        guard let count else { return false }
        if count == 0 {
            unwatch(&source.watch)
            sources.removeAll { $0 === source }
            return false
        }
        scratch.used(count)
        connection.frames.send(source.channel, UnsafeRawBufferPointer(rebasing: scratch.input[..<count]))
        onActivity?()
        updateSources()
        return connected
    }

    private func closeSources() {
        for source in sources { unwatch(&source.watch) }
        sources = []
    }

    // MARK: input

    func input(_ bytes: [UInt8]) {
        guard request.standardInput, exit == nil else { return }
        if bytes.isEmpty { input.end() } else { input.write(bytes) }
        holdBack()
    }

    /// Reads from the peer only as long as the process takes its input.
    private func holdBack() { connection.frames.isPaused = input.isFull }

    // MARK: end

    /// With the peer its process goes.
    func disconnected() {
        guard connected else { return }
        connected = false
        input.close()
        closeSources()
        guard exit == nil else { return finish() }
        if terminal != nil {
            // Closing the last master hangs the terminal up.
            terminal = nil
            _ = try? launched.process.send(SIGHUP)
            timer = loop.schedule(after: Self.hangupTime) { [weak self] in
                self?.timer = nil
                self?.killProcess()
            }
        } else {
            killProcess()
        }
    }

    /// Kills the process with its group. As it is not reaped, the number is still its own.
    private func killProcess() {
        guard exit == nil else { return }
        let pid = launched.process.pid
        if getpgid(pid) == pid { _ = CLinux.kill(-pid, SIGKILL) }
        _ = try? launched.process.send(SIGKILL)
    }

    private func processEnded() {
        guard let ended = try? launched.process.wait(block: false) else { return }
        if statusWatch != nil { statusCame() }
        unwatch(&statusWatch)
        unwatch(&processWatch)
        exit = ended
        input.close()
        cancelTimer()
        guard isRunning, connected else { return finish() }
        connection.frames.isPaused = false
        for source in sources { while !isPeerSlow, read(source) {} }
        finishIfDone()
        if exit != nil, !sources.isEmpty { waitForRest() }
    }

    /// Something else keeps the pipe open: what comes soon is still told. A slow peer gets the time it needs.
    private func waitForRest() {
        timer = loop.schedule(after: Self.drainTime) { [weak self] in
            guard let self else { return }
            self.timer = nil
            if self.isPeerSlow { return self.waitForRest() }
            self.finish()
        }
    }

    private func finishIfDone() {
        if exit != nil, sources.isEmpty { finish() }
    }

    private func finish() {
        guard let ended = onEnd else { return }
        onEnd = nil
        cancelTimer()
        closeSources()
        terminal = nil
        connection.frames.onDrained = nil
        if connected {
            connected = false
            connection.finishSession(isRunning ? exit : nil)
        }
        ended(self)
    }

    private func cancelTimer() {
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    private func unwatch(_ token: inout EventLoop.Token?) {
        if let token { loop.unwatch(token) }
        token = nil
    }
}

import Base
import CLinux
import PodProtocol

/// One attempt of a container: its process, its output and what is known of it.
final class SupervisedContainer {
    /// How long output is still read after the first process has ended, when something keeps the pipe open.
    static let drainTime = Nanoseconds.seconds(2)
    /// How often a log that could not be written is tried again.
    static let retryInterval = Nanoseconds.seconds(1)

    private let loop: EventLoop
    private let scratch: Scratch
    private let cgroup: String?
    private let hasTerminal: Bool
    private let attachPoint: AttachPoint
    /// The standard input, until the program runs.
    private var inputPipe: SharedDescriptor?
    /// Other processes of the container may outlive the first: its pid namespace is not its own.
    private let killsRest: Bool
    private let oom: OOMCounter?
    /// Nil once all output is in the log.
    private var log: LogFile?
    private var launched: (any LaunchedContainer)?
    private var failure: RequestFailure?
    private var statusWatch: EventLoop.Token?
    private var processWatch: EventLoop.Token?
    private var readers: [OutputReader] = []
    private var drainTimer: EventLoop.Token?
    private var retryTimer: EventLoop.Token?
    private var reportedDrops: Int64 = 0
    private(set) var state: ContainerState

    /// The phase in `state` is a new one.
    var onChange: ((SupervisedContainer) -> Void)?
    /// So many more lines could not be written, and why.
    var onDroppedLines: ((SupervisedContainer, Int64, String) -> Void)?
    /// What could not be had as asked.
    var onNotes: ((SupervisedContainer, [String]) -> Void)?
    /// Output was read.
    var onActivity: (() -> Void)?

    init(
        _ start: StartContainer, backend: any ContainerBackend, pidNamespace: SharedDescriptor?, killsRest: Bool,
        scratch: Scratch, loop: EventLoop
    ) throws(RequestFailure) {
        self.loop = loop
        self.scratch = scratch
        hasTerminal = start.terminal
        attachPoint = AttachPoint(start, loop)
        self.killsRest = killsRest
        cgroup = start.cgroup
        oom = start.cgroup.flatMap { OOMCounter(cgroup: $0) }
        state = ContainerState(
            container: start.container, attempt: start.attempt, id: start.id, phase: .starting,
            stopSignal: start.stopSignal)
        var ends = ProcessOutput()
        var outputs: [(SharedDescriptor, LogFormatter.Stream)] = []
        do {
            log = try LogFile(
                path: start.log.path, maximumBytes: start.log.maximumBytes, maximumFiles: start.log.maximumFiles)
            if !start.terminal {
                let (output, error) = (try SharedPipe(), try SharedPipe())
                (ends.standardOutput, ends.standardError) = (output.write, error.write)
                outputs = [(output.read, .output), (error.read, .error)]
                if start.standardInput {
                    let input = try SharedPipe()
                    ends.standardInput = input.read
                    inputPipe = input.write
                    try input.write.descriptor.setNonBlocking()
                }
            }
        } catch {
            throw RequestFailure(error, reason: "CreateContainerError")
        }
        let launched = try backend.launch(start, output: ends, pidNamespace: pidNamespace)
        self.launched = launched
        state.pid = Int64(launched.process.pid)
        do {
            for (output, stream) in outputs { try read(output, stream) }
            statusWatch = try loop.watch(launched.status.descriptor, for: .readable) { [weak self] _ in
                self?.statusCame()
            }
            processWatch = try loop.watch(launched.process.pidfd.descriptor, for: .readable) { [weak self] _ in
                self?.processEnded()
            }
        } catch {
            // It cannot be looked after, so it must not run.
            _ = try? launched.process.send(SIGKILL)
            _ = try? launched.process.wait(block: true)
            for watch in [statusWatch, processWatch] { if let watch { loop.unwatch(watch) } }
            for reader in readers { reader.finish() }
            throw RequestFailure(error, reason: "CreateContainerError")
        }
    }

    var isRunning: Bool { state.isRunning }

    /// Its first process, while that runs its program.
    var pidfd: SharedDescriptor? { state.phase == .running ? launched?.process.pidfd : nil }

    private func read(_ output: SharedDescriptor, _ stream: LogFormatter.Stream) throws(SystemError) {
        guard let log else { return }
        let channel: Frame.Channel = stream == .output ? .standardOutput : .standardError
        let reader = try OutputReader(output, stream, log, scratch, loop) { [attachPoint] in
            attachPoint.output(channel, $0)
        }
        reader.onActivity = { [weak self] in self?.outputCame() }
        readers.append(reader)
    }

    /// The program runs: its terminal is taken over, and its input begins.
    private func takeStreams(_ launched: any LaunchedProcess) throws(SystemError) {
        let terminal = hasTerminal ? try ProcessTerminal(of: launched) : nil
        if let terminal { try read(terminal.master, .output) }
        attachPoint.begin(inputPipe, terminal)
        inputPipe = nil
    }

    /// Sends a signal to the first process; false when it has ended.
    func signal(_ signal: Int32) throws(RequestFailure) -> Bool {
        guard let launched, isRunning else { return false }
        do { return try launched.process.send(signal) } catch { throw RequestFailure(error) }
    }

    /// Kills every process of the container; false when there is none.
    func kill() throws(RequestFailure) -> Bool {
        guard isRunning else { return false }
        killCgroup()
        return try signal(SIGKILL)
    }

    /// Starts a further process in it.
    func exec(_ request: ExecRequest, output: ProcessOutput) throws(RequestFailure) -> any LaunchedProcess {
        guard let launched, state.phase == .running else {
            throw RequestFailure(.notRunning, "container \(state.container) is not running")
        }
        return try launched.exec(request, output: output)
    }

    /// Makes `connection` one that is attached to it.
    func attach(_ request: AttachRequest, _ id: Int64, for connection: ControlConnection) throws(RequestFailure) {
        guard state.phase == .running else {
            throw RequestFailure(.notRunning, "container \(state.container) is not running")
        }
        try attachPoint.attach(request, id, state.pid, for: connection)
    }

    /// The kernel kills all in the cgroup at once, forking ones too. Best effort: the first process is killed by its
    /// pidfd.
    private func killCgroup() {
        guard let cgroup else { return }
        try? Files.writeExisting(cgroup + "/cgroup.kill", "1")
    }

    private func statusCame() {
        guard let launched, let outcome = launched.outcome() else { return }
        unwatch(&statusWatch)
        switch outcome {
        case .started(let user, let notes):
            do { try takeStreams(launched) } catch {
                failure = RequestFailure(error, reason: "StartError")
                _ = try? launched.process.send(SIGKILL)
                return
            }
            state.phase = .running
            state.startedAt = .now
            state.user = user
            onChange?(self)
            if !notes.isEmpty { onNotes?(self, notes) }
        case .failed(let failure):
            // Reported when it is reaped, so that whoever hears of it finds nothing left.
            self.failure = failure
            _ = try? launched.process.send(SIGKILL)
        }
    }

    private func processEnded() {
        let ended: ChildProcess.Exit?
        do {
            ended = try launched?.process.wait(block: false)
            guard ended != nil else { return }
        } catch {
            // Nobody else reaps our children; should it happen, the process is gone all the same.
            ended = nil
        }
        if statusWatch != nil { statusCame() }
        unwatch(&statusWatch)
        unwatch(&processWatch)
        if killsRest { killCgroup() }
        for reader in readers { reader.drain() }
        let now = Timestamp.now
        if state.phase == .running {
            state.phase = .exited(
                ContainerState.Exit(
                    code: ended?.code ?? 137, signal: ended?.signal ?? SIGKILL, oomKilled: oom?.hasHappened ?? false,
                    finishedAt: now))
        } else {
            state.phase = .failed(
                failure
                    ?? RequestFailure(
                        .failed, "the container's process ended before it could execute the program",
                        reason: "StartError"), at: now)
            for reader in readers { reader.finish() }
        }
        launched = nil
        attachPoint.closeInput()
        outputCame()
        if !readers.allSatisfy(\.isFinished) {
            drainTimer = loop.schedule(after: Self.drainTime) { [weak self] in
                guard let self else { return }
                self.drainTimer = nil
                for reader in self.readers { reader.finish() }
                self.outputCame()
            }
        }
        onChange?(self)
    }

    /// After output was read: looks after lines that could not be written, and closes the log after the last line.
    private func outputCame() {
        onActivity?()
        guard let log else { return }
        state.droppedLogLines = log.totalDroppedLines
        if log.droppedLines > 0, retryTimer == nil {
            reportDrops()
            retryTimer = loop.schedule(after: Self.retryInterval) { [weak self] in
                guard let self else { return }
                self.retryTimer = nil
                _ = log.retry()
                self.outputCame()
            }
        } else if log.droppedLines == 0 {
            reportDrops()
        }
        if !isRunning, readers.allSatisfy(\.isFinished) {
            readers = []
            if let drainTimer { loop.cancel(drainTimer) }
            drainTimer = nil
            attachPoint.end(exit)
            if log.droppedLines == 0 { self.log = nil }
        }
    }

    /// How the first process ended.
    private var exit: ChildProcess.Exit? {
        guard case .exited(let exit) = state.phase else { return nil }
        return ChildProcess.Exit(code: exit.code, signal: exit.signal)
    }

    private func reportDrops() {
        let lines = state.droppedLogLines - reportedDrops
        guard lines > 0, let log else { return }
        reportedDrops = state.droppedLogLines
        onDroppedLines?(self, lines, log.dropReason)
    }

    /// Ends all watches and timers: nothing is heard of it any more.
    func discard() {
        unwatch(&statusWatch)
        unwatch(&processWatch)
        for reader in readers { reader.finish() }
        readers = []
        attachPoint.end(exit)
        for timer in [drainTimer, retryTimer] { if let timer { loop.cancel(timer) } }
        log = nil
    }

    private func unwatch(_ token: inout EventLoop.Token?) {
        if let token { loop.unwatch(token) }
        token = nil
    }
}

extension RequestFailure {
    /// A system call of the supervisor failed.
    init(_ error: SystemError, reason: String? = nil) {
        self.init(
            .failed, error.description, step: error.call, object: error.object, errno: error.errno.rawValue,
            reason: reason)
    }
}

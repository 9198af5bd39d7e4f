import Base
import CLinux
import JSON
import PodProtocol

/// The supervisor of one pod: starts its containers, reaps them, writes their logs and exit records, and serves the
/// agent on its socket. It goes on without the agent.
public final class PodSupervisor {
    /// Connections at a time; a further one is closed at once.
    static let maximumConnections = 256
    /// Attempts kept until they are forgotten, running ones included.
    static let maximumAttempts = 512
    /// How long after the last burst of work memory is given back.
    static let settleTime = Nanoseconds.milliseconds(500)

    private struct Key: Hashable {
        var container: String
        var attempt: Int64
    }

    private let configuration: PodConfiguration
    private let loop: EventLoop
    private let backend: any ContainerBackend
    private let listener: SharedDescriptor
    private var pause: ChildProcess?
    private var pauseWatch: EventLoop.Token?
    private let records: ExitRecords
    private let log: Log
    private let scratch: Scratch
    private let hello: Hello
    private var containers: [Key: SupervisedContainer] = [:]
    private var connections: [ObjectIdentifier: ControlConnection] = [:]
    private var sessions: [ObjectIdentifier: ExecSession] = [:]
    /// Who waits for the outcome of a start.
    private var starting: [Key: (connection: ControlConnection, id: Int64)] = [:]
    private var settleTimer: EventLoop.Token?
    private var listenWatch: EventLoop.Token?
    private var signals: SharedDescriptor?

    /// - Parameters:
    ///   - listener: a listening, non-blocking socket.
    ///   - pause: the first process of the pod's pid namespace, when its containers share one.
    init(
        _ configuration: PodConfiguration, backend: any ContainerBackend, listener: consuming FileDescriptor,
        pause: ChildProcess?, loop: EventLoop, log: Log, program: String
    ) throws(SystemError) {
        self.configuration = configuration
        self.backend = backend
        self.listener = SharedDescriptor(listener)
        self.pause = pause
        self.loop = loop
        self.log = log
        scratch = try Scratch()
        records = ExitRecords(runFolder: configuration.runFolder)
        hello = Hello(program: program, pod: configuration.uid)
        try records.prepare()
        try listen()
        if let pause {
            pauseWatch = try loop.watch(pause.pidfd.descriptor, for: .readable) { [weak self] _ in self?.pauseEnded() }
        }
        settle()
    }

    /// SIGTERM and SIGINT end the supervisor only when nothing runs: the agent ends pods, not a signal.
    func watchSignals() throws(SystemError) {
        let numbers = [SIGTERM, SIGINT]
        let descriptor = SharedDescriptor(
            FileDescriptor(
                adopting: try retrying("signalfd", "SIGTERM, SIGINT") { swl_signalfd(numbers, Int32(numbers.count)) }))
        signals = descriptor
        _ = try loop.watch(descriptor.descriptor, for: .readable) { [weak self] _ in
            var info = signalfd_siginfo()
            while CLinux.read(descriptor.raw, &info, MemoryLayout<signalfd_siginfo>.size) > 0 {}
            guard let self else { return }
            let running = self.running
            if running.isEmpty { return self.loop.stop() }
            self.log.warning(
                "signal \(info.ssi_signo) ignored: containers \(running.joined(separator: ", ")) of pod "
                    + "\(self.configuration.name) run; stop the pod through the agent")
        }
    }

    /// Names of the containers that run, in order.
    private var running: [String] { containers.values.filter(\.isRunning).map(\.state.container).sorted() }

    private func accept() {
        let raw = swl_accept(listener.raw)
        guard raw >= 0 else {
            let error = Errno.current
            // Out of descriptors: look away for a while instead of spinning.
            if error.rawValue == EMFILE || error.rawValue == ENFILE { pauseAccepting(error) }
            return
        }
        let socket = FileDescriptor(adopting: raw)
        guard connections.count < Self.maximumConnections else { return }
        let frames: FrameConnection
        do {
            frames = try FrameConnection(socket, on: loop)
            let peer = try frames.peer()
            guard peer.uid == 0 || peer.uid == geteuid() else {
                log.warning("connection of user \(peer.uid), process \(peer.pid), refused")
                return frames.close()
            }
        } catch {
            return log.error("connection not served: \(error)")
        }
        let connection = ControlConnection(frames, hello: hello)
        connection.onRequest = { [weak self] in self?.handle($1, from: $0) }
        connection.onEnd = { [weak self] connection in
            self?.connections[ObjectIdentifier(connection)] = nil
            self?.settle()
        }
        connections[ObjectIdentifier(connection)] = connection
    }

    private func pauseAccepting(_ error: Errno) {
        guard let listenWatch else { return }
        log.error("accept: \(error); trying again in a second")
        loop.unwatch(listenWatch)
        self.listenWatch = nil
        loop.schedule(after: .seconds(1)) { [weak self] in
            guard let self else { return }
            do { try self.listen() } catch {
                self.log.error("the socket is no longer served: \(error)")
            }
        }
    }

    private func listen() throws(SystemError) {
        listenWatch = try loop.watch(listener.descriptor, for: .readable) { [weak self] _ in self?.accept() }
    }

    private func handle(_ request: Request, from connection: ControlConnection) {
        func failed(_ code: RequestFailure.Code, _ message: String) {
            connection.reply(request.id, .failure(RequestFailure(code, message)))
        }
        settle()
        switch request.body {
        case .start(let start):
            do { try self.start(start, request.id, connection) } catch { connection.reply(request.id, .failure(error)) }
        case .signal(let name, let signal):
            connection.reply(
                request.id,
                onContainer(name) { (container) throws(RequestFailure) in try container.signal(signal) })
        case .kill(let name):
            connection.reply(
                request.id, onContainer(name) { (container) throws(RequestFailure) in try container.kill() })
        case .list: connection.reply(request.id, .success(.containers(states)))
        case .subscribe:
            connection.subscribe()
            connection.reply(request.id, .success(.containers(states)))
            #if SWIFTLET_PROTOCOL_NEXT
                connection.frames.send(.unknownEvent(ProtocolVersion.nextEvent))
            #endif
        case .exec(let exec):
            do { try self.exec(exec, request.id, connection) } catch { connection.reply(request.id, .failure(error)) }
        case .attach(let attach):
            do { try self.attach(attach, request.id, connection) } catch {
                connection.reply(request.id, .failure(error))
            }
        case .resize: failed(.invalid, "resize: this connection has no session")
        case .forget(let name, let attempt):
            connection.reply(request.id, forget(Key(container: name, attempt: attempt)))
        case .shutdown:
            let running = self.running
            guard running.isEmpty else {
                return failed(.busy, "containers \(running.joined(separator: ", ")) run; kill them first")
            }
            connection.reply(request.id, .success(.done))
            loop.stop()
        #if SWIFTLET_PROTOCOL_NEXT
            case .unknown(ProtocolVersion.nextRequest): connection.reply(request.id, .success(.done))
        #endif
        case .unknown(let type): failed(.unsupported, "this supervisor does not know the request \"\(type)\"")
        case .invalid(let why): failed(.invalid, why)
        }
    }

    private var states: [ContainerState] {
        containers.values.map(\.state).sorted { ($0.container, $0.attempt) < ($1.container, $1.attempt) }
    }

    private func start(_ start: StartContainer, _ id: Int64, _ connection: ControlConnection) throws(RequestFailure) {
        let key = Key(container: start.container, attempt: start.attempt)
        guard Self.isName(start.container), Self.isName(start.id), start.attempt >= 0 else {
            throw RequestFailure(
                .invalid,
                "start: container \"\(start.container)\", id \"\(start.id)\", attempt \(start.attempt): names are made of "
                    + "letters, digits, '-', '_' and '.', and attempts count from 0")
        }
        guard containers[key] == nil else {
            throw RequestFailure(.exists, "start: attempt \(start.attempt) of \(start.container) is known already")
        }
        guard !containers.values.contains(where: { $0.isRunning && $0.state.container == start.container }) else {
            throw RequestFailure(.exists, "start: container \(start.container) runs already")
        }
        guard containers.count < Self.maximumAttempts else {
            throw RequestFailure(.failed, "start: \(containers.count) attempts are kept; forget some")
        }
        if configuration.sharesProcessNamespace, pause == nil {
            throw RequestFailure(
                .failed, "start: the process that holds the pod's pid namespace has ended", reason: "StartError")
        }
        let ownsPids = pause == nil && Self.hasNamespace("pid", start)
        let container = try SupervisedContainer(
            start, backend: backend, pidNamespace: try target(start) ?? pause?.pidfd, killsRest: !ownsPids,
            scratch: scratch, loop: loop)
        container.onChange = { [weak self] in self?.changed($0) }
        container.onActivity = { [weak self] in self?.outputCame() }
        container.onDroppedLines = { [weak self] container, lines, reason in
            self?.publish(
                .logLinesDropped(
                    container: container.state.container, attempt: container.state.attempt, lines: lines,
                    reason: reason))
        }
        container.onNotes = { [weak self] container, notes in
            for note in notes { self?.log.warning("container \(container.state.id): \(note)") }
        }
        containers[key] = container
        starting[key] = (connection, id)
    }

    /// The process whose pid namespace the container joins.
    private func target(_ start: StartContainer) throws(RequestFailure) -> SharedDescriptor? {
        guard let name = start.pidTarget else { return nil }
        guard let target = container(name), let pidfd = target.pidfd else {
            throw RequestFailure(
                .notRunning, "unable to find target container \"\(name)\": it is not running",
                reason: "CreateContainerConfigError")
        }
        return pidfd
    }

    private static func hasNamespace(_ type: String, _ start: StartContainer) -> Bool {
        start.spec["linux"]?["namespaces"]?.arrayValue?.contains {
            $0["type"]?.stringValue == type && $0["path"] == nil
        } ?? false
    }

    /// Names become parts of paths.
    static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        return !bytes.isEmpty && bytes.count <= 253 && bytes.first != UInt8(ascii: ".")
            && bytes.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private func changed(_ container: SupervisedContainer) {
        let state = container.state
        let key = Key(container: state.container, attempt: state.attempt)
        let waiting = starting.removeValue(forKey: key)
        func answer(_ result: Result<Reply.Value, RequestFailure>) {
            if let waiting { waiting.connection.reply(waiting.id, result) }
        }
        switch state.phase {
        case .starting: return
        case .running:
            answer(.success(.container(state)))
            publish(.started(state))
        case .failed(let failure, _):
            record(state)
            answer(.failure(failure))
            publish(.startFailed(state))
        case .exited:
            record(state)
            publish(.exited(state))
        }
        settle()
    }

    /// Without its record an exit is still told and listed; only an agent that comes after the supervisor misses it.
    private func record(_ state: ContainerState) {
        do { try records.write(state) } catch {
            log.error("exit record of container \(state.id): \(error)")
        }
    }

    private func publish(_ event: PodEvent) {
        for connection in Array(connections.values) where connection.isSubscribed { connection.send(event) }
    }

    /// The newest attempt of a container.
    private func container(_ name: String) -> SupervisedContainer? {
        containers.values.filter { $0.state.container == name }.max { $0.state.attempt < $1.state.attempt }
    }

    private func onContainer(_ name: String, _ body: (SupervisedContainer) throws(RequestFailure) -> Bool)
        -> Result<Reply.Value, RequestFailure>
    {
        guard let container = container(name) else {
            return .failure(RequestFailure(.notFound, "there is no container \"\(name)\" in pod \(configuration.name)"))
        }
        do { return .success(.delivered(try body(container))) } catch { return .failure(error) }
    }

    private func exec(_ exec: ExecRequest, _ id: Int64, _ connection: ControlConnection) throws(RequestFailure) {
        guard let container = container(exec.container) else {
            throw RequestFailure(
                .notFound, "exec: there is no container \"\(exec.container)\" in pod \(configuration.name)")
        }
        let session = try ExecSession(
            exec, id: id, in: container, for: connection, scratch: scratch, loop: loop)
        session.onActivity = { [weak self] in self?.outputCame() }
        session.onEnd = { [weak self] session in
            self?.sessions[ObjectIdentifier(session)] = nil
            self?.settle()
        }
        sessions[ObjectIdentifier(session)] = session
        connection.become(session)
    }

    private func attach(_ attach: AttachRequest, _ id: Int64, _ connection: ControlConnection) throws(RequestFailure) {
        guard let container = container(attach.container) else {
            throw RequestFailure(
                .notFound, "attach: there is no container \"\(attach.container)\" in pod \(configuration.name)")
        }
        try container.attach(attach, id, for: connection)
    }

    private func forget(_ key: Key) -> Result<Reply.Value, RequestFailure> {
        guard let container = containers[key] else {
            return .failure(
                RequestFailure(.notFound, "forget: there is no attempt \(key.attempt) of \"\(key.container)\""))
        }
        guard !container.isRunning else {
            return .failure(RequestFailure(.busy, "forget: container \(key.container) runs; kill it first"))
        }
        do { try records.remove(key.container, key.attempt) } catch { return .failure(RequestFailure(error)) }
        container.discard()
        containers[key] = nil
        return .success(.done)
    }

    /// The pod's pid namespace is gone, and all containers with it; each is told of by its own end.
    private func pauseEnded() {
        guard let pause, (try? pause.wait(block: false)) != nil else { return }
        if let pauseWatch { loop.unwatch(pauseWatch) }
        self.pause = nil
        log.error("the process that holds the pid namespace of pod \(configuration.name) has ended")
    }

    private func outputCame() {
        if scratch.isWarm { settle() }
    }

    /// Gives memory back some time after work. One timer at a time, and none when nothing happens.
    private func settle() {
        guard settleTimer == nil else { return }
        settleTimer = loop.schedule(after: Self.settleTime) { [weak self] in
            guard let self else { return }
            self.settleTimer = nil
            self.scratch.release()
            swl_release_memory()
        }
    }

    /// Turns until the agent asks for the end.
    func run() throws(SystemError) {
        try loop.run()
        for connection in Array(connections.values) { connection.frames.closeWhenDrained() }
        if let pause {
            try pause.send(SIGKILL)
            _ = try pause.wait(block: true)
        }
    }
}

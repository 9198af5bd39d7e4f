import Base
import CLinux
import Cgroups
import JSON
import PodProtocol

/// The agent's side of one pod supervisor: starts it or finds it again, asks it, hears from it. Used from the loop's
/// thread only; every handler is called there.
public final class SupervisorClient {
    /// Why a supervisor is no longer there.
    public enum Loss: Hashable, Sendable, CustomStringConvertible {
        /// Its process has ended.
        case processEnded
        /// The process may still be there, but does not talk to us.
        case connection(FrameConnection.End)
        /// It said why it cannot serve.
        case refused(String)
        /// It serves, but speaks no version of the protocol that we speak.
        case incompatible(String)
        /// It did not answer in this time.
        case silent(Nanoseconds)

        public var description: String {
            switch self {
            case .processEnded: "the supervisor's process has ended"
            case .connection(let end): "\(end)"
            case .refused(let why), .incompatible(let why): why
            case .silent(let time): "the supervisor has not answered within \(time)"
            }
        }

        /// The supervisor lives, and with it what it runs: only we cannot speak with it.
        public var isOfLiving: Bool {
            switch self {
            case .connection, .incompatible, .silent: true
            case .processEnded, .refused: false
            }
        }
    }

    /// How long a process may take to end after its connection has: one that dies closes first.
    static let lastBreath = Nanoseconds.milliseconds(200)

    public typealias Completion<T> = (Result<T, RequestFailure>) -> Void

    /// Receives the events after `subscribe`.
    public var onEvent: ((PodEvent) -> Void)?
    /// Called once, when the supervisor is lost. Requests without an answer have failed with `lost` before. What the
    /// supervisor sent before its end has been delivered.
    public var onLost: ((Loss) -> Void)?
    /// Called when a supervisor that was lost while it lived has ended.
    public var onEndAfterLoss: (() -> Void)?

    /// The supervisor's process.
    public let process: ChildProcess
    /// Its Hello; nil until it came.
    public private(set) var hello: Hello?
    private let runFolder: String
    private let loop: EventLoop
    private let connection: FrameConnection
    private let watcher: ProcessWatcher
    private var pending: [Int64: (Result<Reply.Value, RequestFailure>) -> Void] = [:]
    private var nextID: Int64 = 1
    private var isOpen = true
    private var breath: EventLoop.Token?

    /// Starts a supervisor. Requests may be made at once: they wait in its socket.
    ///
    /// - Parameters:
    ///   - cgroup: the cgroup v2 folder to start it in.
    ///   - standardError: for its own messages; this process's when nil.
    /// - Throws: `SystemError` when the run folder cannot be used or the program not executed.
    public static func spawn(
        _ configuration: PodConfiguration, executable: SupervisorExecutable, cgroup: SharedDescriptor? = nil,
        standardError: SharedDescriptor? = nil, on loop: EventLoop
    ) throws(SystemError) -> SupervisorClient {
        let folder = configuration.runFolder
        try Files.makeDirectories(folder, mode: 0o700)
        let configurationPath = PodConfiguration.path(runFolder: folder)
        try Files.replace(configurationPath, with: JSONWriter().bytes(configuration.json), durable: false)
        let socketPath = PodConfiguration.socketPath(runFolder: folder)
        try Files.remove(socketPath)
        // The socket listens before the supervisor runs: nobody has to wait for it to be there.
        let listener = SharedDescriptor(
            FileDescriptor(adopting: try retrying("listen on", socketPath) { swl_unix_socket(socketPath, 1, 1) }))
        try retrying("chmod", socketPath) { chmod(socketPath, 0o600) }
        var spawn = Spawn(
            executable.path, ["--config", configurationPath],
            // A static Swift program asks /proc for its own path unless told; no backtracer is to be looked for. Freed
            // memory is to be merged and given back rather than kept at hand.
            environment: [
                "SWIFT_ROOT=/", "SWIFT_BACKTRACE=enable=no", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0",
            ])
        spawn.executable = executable.descriptor
        spawn.standardInput = listener
        spawn.standardError = standardError
        if standardError == nil {
            let copy = try retrying("duplicate", "standard error") { swl_fcntl(2, F_DUPFD_CLOEXEC, 3) }
            spawn.standardError = SharedDescriptor(FileDescriptor(adopting: copy))
        }
        spawn.cgroup = cgroup
        spawn.newSession = true
        let process = try spawn.start()
        do {
            let socket = try connect(socketPath)
            return try SupervisorClient(process, socket, folder, loop)
        } catch {
            _ = try? process.send(SIGKILL)
            _ = try? process.wait(block: true)
            throw error
        }
    }

    /// Connects to a supervisor that runs already.
    ///
    /// - Parameter cgroup: the folder of the cgroup that the supervisor was started in; nil when that was none of its
    ///   own.
    /// - Throws: `SystemError`; ENOENT or ECONNREFUSED when nobody listens. ESRCH when it cannot be told that it is the
    ///   supervisor who does: the socket is there before the supervisor is, which takes it over as it starts.
    public static func adopt(runFolder: String, cgroup: String?, on loop: EventLoop) throws(SystemError)
        -> SupervisorClient
    {
        let path = PodConfiguration.socketPath(runFolder: runFolder)
        let socket = try connect(path)
        let process = try listener(of: socket, at: path, cgroup)
        return try SupervisorClient(process, socket, runFolder, loop)
    }

    /// The process that listens. A process's number alone says little: who made the socket may be gone and its number
    /// be a stranger's, who would be signalled in the supervisor's place. So the process is held first, and taken for
    /// the supervisor only if it lives in the supervisor's cgroup after that.
    private static func listener(
        of socket: borrowing FileDescriptor, at path: String, _ cgroup: String?
    ) throws(SystemError) -> ChildProcess {
        var (pid, uid, gid): (pid_t, uid_t, gid_t) = (0, 0, 0)
        let raw = socket.raw
        try retrying("getsockopt SO_PEERCRED", path) { swl_peer_credentials(raw, &pid, &uid, &gid) }
        guard uid == geteuid() else { throw SystemError("trust the listener at", path, .accessDenied) }
        var held = swl_peer_pidfd(raw)
        if held < 0 {
            // What the kernel says of a process that was reaped differs between its versions.
            guard Errno.current == .noProtocolOption else {
                throw SystemError("find process \(pid), which listened at", path, .noProcess)
            }
            held = try retrying("pidfd_open", "process \(pid), which listened at \(path)") { swl_pidfd_open(pid, 0) }
        }
        let process = ChildProcess(pid: pid, pidfd: SharedDescriptor(FileDescriptor(adopting: held)))
        if let cgroup {
            guard let members = try? Cgroup.open(cgroup).processes(), members.contains(pid) else {
                throw SystemError("find process \(pid), which listens at \(path), in the cgroup", cgroup, .noProcess)
            }
        }
        guard !process.hasEnded else {
            throw SystemError("find process \(pid), which listened at", path, .noProcess)
        }
        return process
    }

    private static func connect(_ path: String) throws(SystemError) -> FileDescriptor {
        FileDescriptor(adopting: try retrying("connect to", path) { swl_unix_socket(path, 0, 1) })
    }

    private init(
        _ process: ChildProcess, _ socket: consuming FileDescriptor, _ runFolder: String, _ loop: EventLoop
    ) throws(SystemError) {
        self.process = process
        self.runFolder = runFolder
        self.loop = loop
        connection = try FrameConnection(socket, on: loop)
        do { watcher = try ProcessWatcher(process, loop) } catch {
            connection.close()
            throw error
        }
        watcher.onEnd = { [weak self] in self?.processEnded() }
        connection.onFrame = { [weak self] in self?.received($0) }
        connection.onEnd = { [weak self] in self?.disconnected($0) }
        connection.send(.hello(Hello(program: "swiftletd \(Release.version)")))
    }

    deinit {
        connection.close()
        watcher.onEnd = nil
        if let breath { loop.cancel(breath) }
    }

    /// Leaves the supervisor alone: no handler is called any more. It goes on.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        connection.close()
        watcher.onEnd = nil
        pending = [:]
        onEvent = nil
        onLost = nil
        onEndAfterLoss = nil
    }

    // MARK: requests

    /// Starts a container; completes when its program runs, or with why it does not.
    public func start(_ start: StartContainer, _ completion: @escaping Completion<ContainerState>) {
        send(.start(start), completion) { if case .container(let state) = $0 { state } else { nil } }
    }

    /// Sends a signal to a container's first process; false when it had ended.
    public func signal(_ container: String, _ signal: Int32, _ completion: @escaping Completion<Bool>) {
        send(.signal(container: container, signal: signal), completion, Self.delivered)
    }

    /// Kills all processes of a container; false when there were none. Its end comes as an event.
    public func kill(_ container: String, _ completion: @escaping Completion<Bool>) {
        send(.kill(container: container), completion, Self.delivered)
    }

    /// The state of every attempt not yet forgotten.
    public func list(_ completion: @escaping Completion<[ContainerState]>) {
        send(.list, completion, Self.containers)
    }

    /// As `list`; all later events come to `onEvent`.
    ///
    /// - Parameter time: a supervisor that does not answer for so long is lost; nil for one that is just starting.
    public func subscribe(within time: Nanoseconds? = nil, _ completion: @escaping Completion<[ContainerState]>) {
        guard let time else { return send(.subscribe, completion, Self.containers) }
        let limit = loop.schedule(after: time) { [weak self] in self?.lost(.silent(time)) }
        let answered: Completion<[ContainerState]> = { [loop] result in
            loop.cancel(limit)
            completion(result)
        }
        send(.subscribe, answered, Self.containers)
    }

    /// Drops what the supervisor keeps of an attempt that has ended, its exit record too.
    public func forget(_ container: String, attempt: Int64, _ completion: @escaping Completion<Void>) {
        send(.forget(container: container, attempt: attempt), completion) { _ in () }
    }

    /// Ends the supervisor; fails with `busy` while a container runs. `onLost` follows.
    public func shutdown(_ completion: @escaping Completion<Void>) {
        send(.shutdown, completion) { _ in () }
    }

    /// Starts a process in a container, on a connection of its own.
    public func exec(_ request: ExecRequest, _ handlers: SupervisorSession.Handlers) throws(SystemError)
        -> SupervisorSession
    {
        let path = PodConfiguration.socketPath(runFolder: runFolder)
        return try SupervisorSession(.exec(request), Self.connect(path), handlers, loop)
    }

    /// Whether the supervisor knows `attach`; false also until its Hello came.
    public var canAttach: Bool { hello?.features.contains(ProtocolVersion.attach) ?? false }

    /// Whether the supervisor sets kernel parameters; false also until its Hello came.
    public var setsSysctls: Bool { hello?.features.contains(ProtocolVersion.sysctls) ?? false }

    /// Whether the supervisor starts containers in the pid namespace of another; false also until its Hello came.
    public var joinsPids: Bool { hello?.features.contains(ProtocolVersion.pidTarget) ?? false }

    /// Whether the supervisor puts containers under AppArmor profiles; false also until its Hello came.
    public var confines: Bool { hello?.features.contains(ProtocolVersion.appArmor) ?? false }

    /// Attaches to a container, on a connection of its own.
    public func attach(_ request: AttachRequest, _ handlers: SupervisorSession.Handlers) throws(SystemError)
        -> SupervisorSession
    {
        let path = PodConfiguration.socketPath(runFolder: runFolder)
        return try SupervisorSession(.attach(request), Self.connect(path), handlers, loop)
    }

    private static func delivered(_ value: Reply.Value) -> Bool? {
        if case .delivered(let delivered) = value { delivered } else { nil }
    }

    private static func containers(_ value: Reply.Value) -> [ContainerState]? {
        if case .containers(let states) = value { states } else { nil }
    }

    private func send<T>(
        _ body: Request.Body, _ completion: @escaping Completion<T>, _ convert: @escaping (Reply.Value) -> T?
    ) {
        guard isOpen else {
            return completion(.failure(RequestFailure(.lost, "the supervisor is gone")))
        }
        let id = nextID
        nextID += 1
        pending[id] = { result in
            completion(
                result.flatMap { value in
                    convert(value).map { .success($0) }
                        ?? .failure(
                            RequestFailure(.failed, "the supervisor gave an answer that does not fit the request"))
                })
        }
        connection.send(.request(Request(id: id, body)))
    }

    // MARK: what comes

    private func received(_ frame: Frame) {
        guard frame.channel == .control else { return }
        do {
            switch try Message(frame.payload) {
            case .hello(let hello): greeted(hello)
            case .reply(let reply): pending.removeValue(forKey: reply.id)?(reply.result)
            case .event(let event): onEvent?(event)
            case .unknownEvent, .request: break
            }
        } catch {
            lost(.connection(.malformed("\(error)")))
        }
    }

    private func greeted(_ hello: Hello) {
        self.hello = hello
        if let failure = hello.failure { return lost(.refused(failure)) }
        if Hello(program: "").agreed(with: hello) == nil {
            return lost(
                .incompatible(
                    "\(hello.program) speaks protocol versions \(hello.oldest) to \(hello.version), this agent "
                        + "\(ProtocolVersion.oldest) to \(ProtocolVersion.current); start a swiftletd that knows it"
                ))
        }
        #if SWIFTLET_PROTOCOL_NEXT
            askNext(hello)
        #endif
    }

    #if SWIFTLET_PROTOCOL_NEXT
        /// Asks what only this build knows, and says on standard error what became of it, for the tests.
        private func askNext(_ hello: Hello) {
            send(
                .unknown(ProtocolVersion.nextRequest),
                { (result: Result<Void, RequestFailure>) in
                    var answer = "done"
                    if case .failure(let failure) = result { answer = failure.code.rawValue }
                    "protocol next: version \(hello.version) answers \(answer)\n".withCString {
                        _ = CLinux.write(2, $0, strlen($0))
                    }
                }
            ) { _ in () }
        }
    #endif

    private func processEnded() {
        // What it sent last is still in the socket, and its end comes after that.
        connection.readRest()
        lost(.processEnded)
        let handler = onEndAfterLoss
        onEndAfterLoss = nil
        handler?()
    }

    /// Whether the process ends too, or goes on without us, is seen in a moment.
    private func disconnected(_ end: FrameConnection.End) {
        guard isOpen, breath == nil else { return }
        breath = loop.schedule(after: Self.lastBreath) { [weak self] in
            self?.breath = nil
            self?.lost(.connection(end))
        }
    }

    private func lost(_ loss: Loss) {
        guard isOpen else { return }
        isOpen = false
        if let breath { loop.cancel(breath) }
        breath = nil
        connection.close()
        let waiting = pending.sorted { $0.key < $1.key }
        pending = [:]
        let handler = onLost
        (onLost, onEvent) = (nil, nil)
        for (_, completion) in waiting {
            completion(.failure(RequestFailure(.lost, "the supervisor is gone: \(loss)")))
        }
        handler?(loss)
    }
}

/// Reaps a supervisor when it ends, whether or not somebody is still interested in it.
private final class ProcessWatcher {
    var onEnd: (() -> Void)?

    init(_ process: ChildProcess, _ loop: EventLoop) throws(SystemError) {
        var watch: EventLoop.Token?
        watch = try loop.watch(process.pidfd.descriptor, for: .readable) { [self] _ in
            if let watch { loop.unwatch(watch) }
            // An adopted supervisor is somebody else's child, and reaped there.
            _ = try? process.wait(block: false)
            onEnd?()
            onEnd = nil
        }
    }
}

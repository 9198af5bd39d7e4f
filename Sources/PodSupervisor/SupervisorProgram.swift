import Base
import CLinux
import JSON
import PodProtocol

/// The program `swiftlet-pod`. Its standard input is a listening Unix socket; its one argument pair is
/// `--config FILE`, a `PodConfiguration`. With the argument `keeper` it is a `KeeperProgram` instead.
public enum SupervisorProgram {
    private static let name = "swiftlet-pod"
    /// How long a supervisor that cannot serve waits for somebody to tell.
    private static let failureTime: Int32 = 5000

    /// Runs until the agent asks for the end. The exit status.
    public static func run(_ arguments: [String]) -> Int32 {
        let log = makeLog()
        switch (arguments.first, arguments.count) {
        case ("--version", 1):
            print("\(name) \(Release.version)")
            return 0
        case ("keeper", _): return KeeperProgram.run(Array(arguments.dropFirst()), log)
        case ("--config", 2): break
        default:
            log.error(
                "usage: \(name) --config FILE, with a listening Unix socket as standard input; the agent starts it")
            return 2
        }
        settleIn()
        let listener: FileDescriptor
        do { listener = try takeListener() } catch {
            log.error("\(error): standard input must be a listening Unix socket; the agent starts this program")
            return 2
        }
        do {
            try serve(listener, arguments[1], log)
            return 0
        } catch {
            log.error("\(error)")
            return 1
        }
    }

    /// What is to be so before anything else happens.
    private static func settleIn() {
        swl_reset_signals()
        swl_ignore_signal(SIGPIPE)
        swl_ignore_signal(SIGHUP)
        umask(0o022)
        _ = chdir("/")
        // Not to be traced or read by what runs in the pod, also where pid namespaces are shared.
        _ = swl_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        // Raising the own standing needs CAP_SYS_RESOURCE; without it the supervisor is an ordinary process.
        try? Files.writeExisting("/proc/self/oom_score_adj", "-999")
    }

    /// Takes the socket from standard input, which becomes /dev/null. Listening again makes this process the one that
    /// those who connect see at the other end.
    private static func takeListener() throws(SystemError) -> FileDescriptor {
        let copy = try retrying("duplicate", "standard input") { swl_fcntl(0, F_DUPFD_CLOEXEC, 3) }
        let listener = FileDescriptor(adopting: copy)
        try retrying("listen", "standard input") { CLinux.listen(copy, 128) }
        try listener.setNonBlocking()
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let raw = null.raw
        try retrying("dup2", "standard input") { dup2(raw, 0) }
        return listener
    }

    private static func serve(_ listener: consuming FileDescriptor, _ path: String, _ log: Log) throws(SupervisorError)
    {
        let prepared: Result<(PodConfiguration, ChildProcess?), SupervisorError>
        do { prepared = .success(try prepare(path)) } catch { prepared = .failure(error) }
        switch prepared {
        case .failure(let error):
            tell(listener, error.description)
            throw error
        case .success(let (configuration, pause)):
            do {
                let loop = try EventLoop()
                let supervisor = try PodSupervisor(
                    configuration, backend: OCIBackend(), listener: listener, pause: pause, loop: loop, log: log,
                    program: "\(name) \(Release.version)")
                try supervisor.watchSignals()
                try supervisor.run()
            } catch {
                throw SupervisorError("pod \(configuration.name): \(error)")
            }
        }
    }

    private static func prepare(_ path: String) throws(SupervisorError) -> (PodConfiguration, ChildProcess?) {
        let configuration: PodConfiguration
        do { configuration = try PodConfiguration(json: JSONParser.parse(try Files.read(path, limit: 1 << 20))) } catch
        {
            throw SupervisorError("configuration \(path): \(error)")
        }
        do {
            try PodNamespaces.enter(configuration)
            return (configuration, configuration.sharesProcessNamespace ? try PauseProcess.start() : nil)
        } catch {
            throw SupervisorError("pod \(configuration.name): \(error)")
        }
    }

    /// Tells the first who connects why there is no supervisor.
    private static func tell(_ listener: borrowing FileDescriptor, _ failure: String) {
        var wait = pollfd(fd: listener.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, failureTime) == 1 else { return }
        let raw = swl_accept(listener.raw)
        guard raw >= 0 else { return }
        let connection = FileDescriptor(adopting: raw)
        let hello = Hello(program: "\(name) \(Release.version)", failure: failure)
        try? connection.writeAll(Message.hello(hello).frame.bytes)
    }

    /// A log on standard error that gives a message up rather than wait for whoever reads there.
    private static func makeLog() -> Log {
        Log(limit: .info) { line in
            var wait = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
            guard poll(&wait, 1, 0) == 1 else { return }
            line.withUnsafeBytes { _ = CLinux.write(2, $0.baseAddress, min($0.count, Int(PIPE_BUF))) }
        }
    }
}

/// Why a supervisor cannot serve, as a sentence.
struct SupervisorError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

import Base
import CLinux
import JSON
import PodProtocol
import PodRuntime
import TestSupport
import Testing

/// Whether pods can be run here.
let canRunPods = geteuid() == 0 && access("/bin/busybox", X_OK) == 0 && access(SupervisorLaboratory.program, X_OK) == 0

/// A real supervisor with containers of busybox, inside an exit test's own process and mount namespace. Nothing of it
/// is left when `finish` has been called.
final class SupervisorLaboratory {
    /// The program that was built with the tests.
    static let program: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Path.join(Path.parent(path), "swiftlet-pod")
    }()

    let folder: TemporaryDirectory
    let loop: EventLoop
    let executable: SupervisorExecutable
    private(set) var client: SupervisorClient
    private(set) var events: [PodEvent] = []
    private(set) var loss: SupervisorClient.Loss?
    private var pids: [pid_t] = []
    private let image: String

    init(_ change: (inout PodConfiguration) -> Void = { _ in }) throws {
        try retrying("unshare", "mounts") { swl_unshare(CLONE_NEWNS) }
        try retrying("mount", "/") { mount(nil, "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil) }
        let folder = try TemporaryDirectory()
        try retrying("mount", folder.path) { mount("laboratory", folder.path, "tmpfs", 0, "size=64m") }
        self.folder = folder
        let image = folder.path + "/image"
        self.image = image
        for name in ["bin", "dev", "etc", "proc", "sys", "tmp"] { try Files.makeDirectories("\(image)/\(name)") }
        try Files.replace(
            image + "/bin/busybox", with: try Files.read("/bin/busybox"), mode: 0o755, durable: false)
        for name in ["sh", "cat", "id", "ls", "sleep", "hostname", "ps", "stty", "tty", "yes", "head", "wc", "kill"] {
            symlink("busybox", image + "/bin/" + name)
        }
        try folder.write("image/etc/passwd", "root:x:0:0::/:/bin/sh\nweb:x:101:102::/:/bin/sh\n")
        try folder.write("image/etc/group", "root:x:0:\nweb:x:102:\n")
        loop = try EventLoop()
        executable = try SupervisorExecutable(path: Self.program)
        var configuration = PodConfiguration(
            uid: "uid-1", name: "default/test", hostname: "castle", network: .own, ipc: .own, uts: .own,
            sharesProcessNamespace: false, runFolder: folder.path + "/run")
        change(&configuration)
        client = try SupervisorClient.spawn(configuration, executable: executable, on: loop)
        attach()
    }

    private func attach() {
        client.onEvent = { [unowned self] in events.append($0) }
        client.onLost = { [unowned self] in loss = $0 }
        client.subscribe { _ in }
    }

    /// Leaves the supervisor alone and finds it again, as a new agent does.
    func adopt() throws {
        client.close()
        client = try SupervisorClient.adopt(runFolder: folder.path + "/run", cgroup: nil, on: loop)
        attach()
    }

    func container(_ name: String, _ script: String, attempt: Int64 = 0) throws -> StartContainer {
        let work = "\(folder.path)/\(name)\(attempt)"
        for part in ["upper", "work"] { try Files.makeDirectories("\(work)/\(part)") }
        func mount(_ destination: String, _ type: String, _ options: [String] = ["nosuid", "noexec", "nodev"])
            -> JSONValue
        {
            [
                "destination": .string(destination), "type": .string(type), "source": .string(type),
                "options": .strings(options),
            ]
        }
        let spec: JSONValue = [
            "ociVersion": "1.2.0",
            "process": [
                "args": ["/bin/sh", "-c", .string(script)], "env": ["PATH=/bin"], "cwd": "/", "noNewPrivileges": true,
                "oomScoreAdj": 500,
            ],
            "root": ["path": "rootfs"],
            "mounts": [
                mount("/proc", "proc"), mount("/dev", "tmpfs", ["nosuid", "mode=755", "size=64k"]),
                mount("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
                mount("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
            ],
            "linux": ["namespaces": [["type": "mount"], ["type": "pid"], ["type": "cgroup"]]],
        ]
        return StartContainer(
            container: name, attempt: attempt, id: "\(name)-\(attempt)", spec: spec,
            root: .overlay(lower: [image], upper: work + "/upper", work: work + "/work"),
            log: .init(path: "\(folder.path)/\(name).\(attempt).log"))
    }

    /// Starts a container and waits for the answer.
    @discardableResult
    func start(_ container: StartContainer) throws -> Result<ContainerState, RequestFailure> {
        var answer: Result<ContainerState, RequestFailure>?
        client.start(container) { answer = $0 }
        try turn("the start of \(container.container)") { answer != nil }
        guard let answer else { throw Unmet(what: "answer") }
        if case .success(let state) = answer { pids.append(pid_t(state.pid)) }
        return answer
    }

    func running(_ container: StartContainer) throws -> ContainerState { try start(container).get() }

    /// Waits for the end of a container.
    func exit(of name: String, attempt: Int64 = 0) throws -> ContainerState.Exit {
        var found: ContainerState.Exit?
        try turn("the exit of \(name)") {
            for case .exited(let state) in events where state.container == name && state.attempt == attempt {
                if case .exited(let exit) = state.phase { found = exit }
            }
            return found != nil || loss != nil
        }
        guard let found else { throw Unmet(what: "the exit of \(name)") }
        return found
    }

    /// The contents of the log's lines.
    func lines(_ name: String, attempt: Int64 = 0) throws -> [String] {
        try Files.readText("\(folder.path)/\(name).\(attempt).log").split(separator: "\n").map {
            $0.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(3).joined()
        }
    }

    /// What a session said, and how it ended.
    struct Session {
        var output: [Frame.Channel: [UInt8]] = [:]
        var end: Result<ChildProcess.Exit, RequestFailure>?
        var text: String { String(decoding: output[.standardOutput] ?? [], as: UTF8.self) }
    }

    /// Runs a process in a container to its end; `interact` gets the session as soon as it runs.
    func exec(_ request: ExecRequest, _ interact: @escaping (SupervisorSession) -> Void = { _ in }) throws -> Session {
        let box = Box()
        var handlers = SupervisorSession.Handlers()
        handlers.onStarted = { _ in if let session = box.session { interact(session) } }
        handlers.onOutput = { box.result.output[$0, default: []] += $1 }
        handlers.onEnd = { box.result.end = $0 }
        box.session = try client.exec(request, handlers)
        try turn("the session's end") { box.result.end != nil }
        box.session = nil
        return box.result
    }

    private final class Box {
        var session: SupervisorSession?
        var result = Session()
    }

    /// Turns the loop until `condition` holds; throws after thirty seconds.
    func turn(_ what: String, until condition: () throws -> Bool) throws {
        let deadline = BootInstant.now + .seconds(30)
        while try !condition() {
            if BootInstant.now > deadline { throw Unmet(what: what) }
            let timer = loop.schedule(after: .milliseconds(20)) {}
            try loop.turn(wait: true)
            loop.cancel(timer)
        }
    }

    static func isAlive(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 }

    /// Ends everything.
    func finish() {
        client.close()
        _ = try? client.process.send(SIGKILL)
        for pid in pids { kill(pid, SIGKILL) }
        _ = try? client.process.wait(block: true)
        umount2(folder.path, Int32(MNT_DETACH))
    }
}

/// What a test waited for and did not come.
struct Unmet: Error {
    let what: String
}

/// For exit tests: says what is wrong, and ends the process.
func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if condition { return }
    Issue.record("unmet: \(what())")
    throw Unmet(what: what())
}

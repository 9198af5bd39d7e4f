import Base
import CLinux
import JSON
import PodProtocol
import TestSupport

@testable import PodSupervisor

/// A supervisor on fake containers, and connections to it, on one loop.
final class Harness {
    let folder: TemporaryDirectory
    let loop: EventLoop
    let backend = FakeBackend()
    let supervisor: PodSupervisor

    init() throws {
        // As the program does: a process may end before it has read its input.
        swl_ignore_signal(SIGPIPE)
        folder = try TemporaryDirectory()
        loop = try EventLoop()
        let path = folder.path + "/supervisor.sock"
        let listener = FileDescriptor(adopting: try retrying("listen", path) { swl_unix_socket(path, 1, 1) })
        let configuration = PodConfiguration(
            uid: "uid-1", name: "default/test", hostname: nil, network: .host, ipc: .host, uts: .host,
            sharesProcessNamespace: false, runFolder: folder.path)
        supervisor = try PodSupervisor(
            configuration, backend: backend, listener: listener, pause: nil, loop: loop,
            log: Log(limit: .error) { _ in },
            program: "test")
    }

    func connect() throws -> Peer { try Peer(self) }

    /// A start of `sh -c script`.
    func start(
        _ name: String, _ script: String, attempt: Int64 = 0, input: Bool = false, once: Bool = false,
        terminal: Bool = false
    ) -> StartContainer {
        StartContainer(
            container: name, attempt: attempt, id: "\(name)-\(attempt)",
            spec: [
                "process": ["args": .strings(["/bin/sh", "-c", script])], "linux": ["namespaces": [["type": "pid"]]],
            ],
            root: .directory("/"), log: .init(path: "\(folder.path)/\(name).\(attempt).log"), standardInput: input,
            standardInputOnce: once, terminal: terminal)
    }

    func log(_ name: String, attempt: Int64 = 0) throws -> String {
        try Files.readText("\(folder.path)/\(name).\(attempt).log", limit: 64 << 20)
    }

    func record(_ name: String, attempt: Int64 = 0) throws -> ContainerState {
        let path = PodConfiguration.exitRecordPath(runFolder: folder.path, container: name, attempt: attempt)
        return try ContainerState(json: JSONParser.parse(Files.read(path)))
    }

    /// Turns the loop until `condition` holds; throws after a minute, which is a hang also on a slow machine.
    func turn(_ what: String, until condition: () -> Bool) throws {
        let deadline = BootInstant.now + .seconds(60)
        var over = false
        let timer = loop.schedule(at: deadline) { over = true }
        defer { loop.cancel(timer) }
        while !condition() {
            if over { throw Unmet(what: what) }
            try loop.turn(wait: true)
        }
    }
}

/// The other end of a connection.
final class Peer {
    private let harness: Harness
    let frames: FrameConnection
    var hello: Hello?
    var replies: [Int64: Result<Reply.Value, RequestFailure>] = [:]
    var events: [PodEvent] = []
    var output: [Frame.Channel: [UInt8]] = [:]
    var ended = false
    private var nextID: Int64 = 1

    init(_ harness: Harness) throws {
        self.harness = harness
        let path = harness.folder.path + "/supervisor.sock"
        let socket = FileDescriptor(adopting: try retrying("connect", path) { swl_unix_socket(path, 0, 1) })
        frames = try FrameConnection(socket, on: harness.loop)
        frames.onFrame = { [unowned self] frame in
            guard frame.channel == .control else { return output[frame.channel, default: []] += frame.payload }
            switch try? Message(frame.payload) {
            case .hello(let hello): self.hello = hello
            case .reply(let reply): replies[reply.id] = reply.result
            case .event(let event): events.append(event)
            default: break
            }
        }
        frames.onEnd = { [unowned self] _ in ended = true }
        frames.send(.hello(Hello(program: "test agent")))
    }

    deinit { frames.close() }

    @discardableResult
    func send(_ body: Request.Body) -> Int64 {
        defer { nextID += 1 }
        frames.send(.request(Request(id: nextID, body)))
        return nextID
    }

    func ask(_ body: Request.Body) throws -> Result<Reply.Value, RequestFailure> {
        let id = send(body)
        try harness.turn("answer to \(body)") { replies[id] != nil || ended }
        guard let reply = replies.removeValue(forKey: id) else { throw Unmet(what: "connection ended") }
        return reply
    }

    func failure(_ body: Request.Body) throws -> RequestFailure.Code? {
        if case .failure(let failure) = try ask(body) { failure.code } else { nil }
    }

    /// Writes to the session's process; nothing is the end of its input.
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { frames.send(.standardInput, $0) }
    }

    func text(_ channel: Frame.Channel = .standardOutput) -> String {
        String(decoding: output[channel] ?? [], as: UTF8.self)
    }

    /// Waits until `part` has come.
    func expect(_ part: String, on channel: Frame.Channel = .standardOutput) throws {
        try harness.turn("\"\(part)\" after \"\(text(channel).suffix(200))\"") {
            text(channel).contains(part) || ended
        }
        guard text(channel).contains(part) else { throw Unmet(what: "\"\(part)\" in \"\(text(channel).suffix(200))\"") }
    }

    func states() throws -> [ContainerState] {
        guard case .success(.containers(let states)) = try ask(.list) else { throw Unmet(what: "list") }
        return states
    }

    /// Waits for the exit of a container.
    func exit(of name: String, attempt: Int64 = 0) throws -> ContainerState {
        var found: ContainerState?
        try harness.turn("exit of \(name)") {
            for case .exited(let state) in events where state.container == name && state.attempt == attempt {
                found = state
            }
            return found != nil
        }
        guard let found else { throw Unmet(what: "exit of \(name)") }
        return found
    }
}

import Base
import CLinux
import JSON
import PodProtocol
import TestSupport
import Testing

@testable import PodRuntime

/// Something that listens where a supervisor does, and does what the test says.
private final class FakeSupervisor {
    let folder: TemporaryDirectory
    let loop: EventLoop
    private(set) var connections: [FrameConnection] = []
    /// What came over all connections.
    private(set) var received: [Message] = []
    private let listener: SharedDescriptor
    private var watch: EventLoop.Token?

    /// - Parameter greeting: what it does with a connection.
    init(_ greeting: @escaping (FrameConnection, SharedDescriptor) -> Void = { _, _ in }) throws {
        let folder = try TemporaryDirectory()
        self.folder = folder
        loop = try EventLoop()
        try Files.makeDirectories(folder.path + "/run")
        let path = PodConfiguration.socketPath(runFolder: folder.path + "/run")
        listener = SharedDescriptor(
            FileDescriptor(adopting: try retrying("listen on", path) { swl_unix_socket(path, 1, 1) }))
        watch = try loop.watch(listener.descriptor, for: .readable) { [unowned self] _ in
            let raw = swl_accept(listener.raw)
            guard raw >= 0 else { return }
            let copy = SharedDescriptor(FileDescriptor(adopting: swl_fcntl(raw, F_DUPFD_CLOEXEC, 3)))
            guard let connection = try? FrameConnection(FileDescriptor(adopting: raw), on: loop) else { return }
            connection.onFrame = { [unowned self] frame in
                if let message = try? Message(frame.payload) { received.append(message) }
            }
            connections.append(connection)
            greeting(connection, copy)
        }
    }

    var runFolder: String { folder.path + "/run" }

    /// A folder that looks like the supervisor's cgroup with these processes.
    func cgroup(_ pids: [pid_t]) throws -> String {
        let path = folder.path + "/cgroup"
        try Files.makeDirectories(path)
        try Files.replace(
            path + "/cgroup.procs", with: pids.map { "\($0)\n" }.joined().utf8, durable: false)
        return path
    }

    func adopt(_ pids: [pid_t] = [getpid()]) throws -> SupervisorClient {
        try SupervisorClient.adopt(runFolder: runFolder, cgroup: try cgroup(pids), on: loop)
    }

    /// A child process that listens in this one's place, as a supervisor does with the socket that the agent made.
    func child(_ body: (_ listener: Int32) -> Void) throws -> ChildProcess {
        if let watch { loop.unwatch(watch) }
        let raw = listener.raw
        var pidfd: Int32 = -1
        var ends: [Int32] = [-1, -1]
        try retrying("socketpair", "a child") { swl_socketpair(&ends) }
        let pid = swl_clone3(0, -1, &pidfd)
        if pid == 0 {
            _ = listen(raw, 8)
            close(ends[0])
            close(ends[1])
            body(raw)
            _exit(0)
        }
        close(ends[1])
        let end = FileDescriptor(adopting: ends[0])
        guard pid > 0 else { throw SystemError("clone3", "a child") }
        // Closed there: it listens now.
        var wait = pollfd(fd: end.raw, events: Int16(POLLIN), revents: 0)
        _ = poll(&wait, 1, 30_000)
        return ChildProcess(pid: pid, pidfd: SharedDescriptor(FileDescriptor(adopting: pidfd)))
    }

    /// Turns the loop until the client is lost.
    func loss(of client: SupervisorClient) throws -> SupervisorClient.Loss? {
        var loss: SupervisorClient.Loss?
        client.onLost = { loss = $0 }
        try turn { loss != nil }
        return loss
    }

    func turn(until condition: () -> Bool) throws {
        let deadline = BootInstant.now + .seconds(30)
        while !condition(), BootInstant.now < deadline {
            let timer = loop.schedule(after: .milliseconds(20)) {}
            try loop.turn(wait: true)
            loop.cancel(timer)
        }
    }
}

@Suite(.serialized) struct SupervisorClientTests {
    @Test func whoListensInTheSupervisorsCgroupIsTheSupervisor() throws {
        let fake = try FakeSupervisor()
        let client = try fake.adopt()
        #expect(client.process.pid == getpid())
        client.close()
    }

    @Test func aStrangerWhoListensIsNotTakenForTheSupervisor() throws {
        let fake = try FakeSupervisor()
        let stranger = #expect(throws: SystemError.self) { _ = try fake.adopt([1]) }
        #expect(stranger?.errno == .noProcess)
        let nowhere = #expect(throws: SystemError.self) {
            _ = try SupervisorClient.adopt(
                runFolder: fake.runFolder, cgroup: fake.folder.path + "/nowhere", on: fake.loop)
        }
        #expect(nowhere?.errno == .noProcess)
    }

    @Test func aNumberWhoseProcessHasEndedIsNobodyWhoeverGetsIt() throws {
        let fake = try FakeSupervisor()
        // The number is that of the last who listened, though the socket is still there.
        let child = try fake.child { _ in }
        _ = try child.wait(block: true)
        let error = #expect(throws: SystemError.self) { _ = try fake.adopt([child.pid]) }
        #expect(error?.errno == .noProcess)
    }

    @Test func aConnectionThatEndsIsNoDeathOfWhoLives() throws {
        let fake = try FakeSupervisor { connection, _ in connection.close() }
        let loss = try fake.loss(of: try fake.adopt())
        #expect(loss == .connection(.peerClosed) && loss?.isOfLiving == true)
    }

    @Test func whoDiesAfterItsConnectionHasDied() throws {
        let fake = try FakeSupervisor()
        let child = try fake.child { listener in
            var wait = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            _ = poll(&wait, 1, 10_000)
            close(swl_accept(listener))
            usleep(20_000)
        }
        let loss = try fake.loss(of: try fake.adopt([child.pid]))
        #expect(loss == .processEnded && loss?.isOfLiving == false)
    }

    @Test func theEndOfOneThatWasLostAliveIsTold() throws {
        let fake = try FakeSupervisor()
        let child = try fake.child { listener in
            var wait = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            _ = poll(&wait, 1, 10_000)
            close(swl_accept(listener))
            while true { pause() }
        }
        let client = try fake.adopt([child.pid])
        let loss = try fake.loss(of: client)
        #expect(loss?.isOfLiving == true)
        var ended = false
        client.onEndAfterLoss = { ended = true }
        try child.send(SIGKILL)
        try fake.turn { ended }
        #expect(ended)
    }

    @Test func garbageEndsTheConnectionAndHarmsNobody() throws {
        let fake = try FakeSupervisor { _, socket in
            let bytes: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 1, 2, 3]
            _ = send(socket.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
        let loss = try fake.loss(of: try fake.adopt())
        guard case .connection(.malformed) = loss else { return #expect(Bool(false), "\(String(describing: loss))") }
        #expect(loss?.isOfLiving == true)
        let text = try FakeSupervisor { connection, _ in
            let bytes = Array("no message".utf8)
            bytes.withUnsafeBytes { connection.send(.control, $0) }
        }
        let other = try text.loss(of: try text.adopt())
        #expect(other?.isOfLiving == true)
    }

    @Test func aSupervisorOfAnotherAgeIsLeftAloneAndBothSidesAreNamed() throws {
        let fake = try FakeSupervisor { connection, _ in
            connection.send(.hello(Hello(program: "swiftlet-pod 99.0", pod: "u", version: 99, oldest: 98)))
        }
        let client = try fake.adopt()
        var answer: Result<[ContainerState], RequestFailure>?
        client.subscribe { answer = $0 }
        let loss = try fake.loss(of: client)
        guard case .incompatible(let why) = loss else { return #expect(Bool(false), "\(String(describing: loss))") }
        #expect(why.contains("swiftlet-pod 99.0 speaks protocol versions 98 to 99") && why.contains("this agent 1 to"))
        #expect(loss?.isOfLiving == true)
        guard case .failure(let failure) = answer else { return #expect(Bool(false), "\(String(describing: answer))") }
        #expect(failure.code == .lost)
        // It is asked for nothing but what was on its way.
        try fake.turn { fake.received.count >= 2 }
        for message in fake.received {
            switch message {
            case .hello: break
            case .request(let request): #expect(request.body == .subscribe)
            default: Issue.record("sent: \(message)")
            }
        }
    }

    @Test func oneThatDoesNotAnswerIsLostAlive() throws {
        let fake = try FakeSupervisor { connection, _ in connection.send(.hello(Hello(program: "fake", pod: "u"))) }
        let client = try fake.adopt()
        var answer: Result<[ContainerState], RequestFailure>?
        client.subscribe(within: .milliseconds(50)) { answer = $0 }
        let loss = try fake.loss(of: client)
        #expect(loss == .silent(.milliseconds(50)) && loss?.isOfLiving == true)
        guard case .failure(let failure) = answer else { return #expect(Bool(false), "\(String(describing: answer))") }
        #expect(failure.code == .lost)
    }

    @Test func oneThatAnswersInTimeIsNotLostLater() throws {
        let fake = try FakeSupervisor { connection, _ in
            connection.send(.hello(Hello(program: "fake", pod: "u")))
            connection.send(.reply(Reply(id: 1, .success(.containers([])))))
        }
        let client = try fake.adopt()
        var loss: SupervisorClient.Loss?
        client.onLost = { loss = $0 }
        var answer: Result<[ContainerState], RequestFailure>?
        client.subscribe(within: .milliseconds(200)) { answer = $0 }
        try fake.turn { answer != nil }
        var isOver = false
        fake.loop.schedule(after: .milliseconds(400)) { isOver = true }
        try fake.turn { isOver }
        #expect(loss == nil && answer == .success([]))
        client.close()
    }

    /// A supervisor that an older release has started.
    @Test func whetherItCanBeAttachedToIsToldByItsHello() throws {
        for (features, can) in [(["exec", "exec-tty"], false), (ProtocolVersion.features, true)] {
            let fake = try FakeSupervisor { connection, _ in
                connection.send(.hello(Hello(program: "swiftlet-pod", features: features)))
            }
            let client = try fake.adopt()
            #expect(!client.canAttach)
            try fake.turn { client.hello != nil }
            #expect(client.canAttach == can)
            client.close()
        }
    }

    @Test func whoLeavesTellsTheEndOfItsInputAndWhoIsLostDoesNot() throws {
        var frames: [Frame] = []
        var ended = 0
        let fake = try FakeSupervisor { connection, _ in
            connection.onFrame = { frames.append($0) }
            connection.onEnd = { _ in ended += 1 }
        }
        let client = try fake.adopt()
        for leaves in [true, false] {
            frames = []
            let session = try client.attach(AttachRequest(container: "web", standardInput: true), .init())
            ([0x61, 0x0A] as [UInt8]).withUnsafeBytes { session.write($0) }
            if leaves { session.leave() } else { session.close() }
            let count = ended + 1
            try fake.turn { ended == count }
            let input = frames.filter { $0.channel == .standardInput }.map(\.payload)
            #expect(input == (leaves ? [[0x61, 0x0A], []] : [[0x61, 0x0A]]))
        }
        client.close()
    }
}

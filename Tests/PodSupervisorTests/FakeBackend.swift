import Base
import CLinux
import JSON
import PodProtocol
import TestSupport

@testable import PodSupervisor

/// Runs the programs of specs as plain processes of this machine.
final class FakeBackend: ContainerBackend {
    /// What the next launch fails with: at once, or as the outcome.
    var refusal: RequestFailure?
    var failure: RequestFailure?
    /// The containers that joined another's pid namespace.
    private(set) var joined: [String] = []
    private var processes: [FakeProcess] = []

    /// Nothing may be left behind: a child that nobody reaps holds up the exit tests of the same process.
    deinit { for process in processes { process.end() } }

    func launch(_ start: StartContainer, output: ProcessOutput, pidNamespace: SharedDescriptor?)
        throws(RequestFailure) -> any LaunchedContainer
    {
        if let refusal { throw refusal }
        if pidNamespace != nil { joined.append(start.container) }
        let process = try FakeProcess(
            start.spec["process"]?["args"]?.stringsValue ?? [], output, failure, hasTerminal: start.terminal)
        processes.append(process)
        return process
    }
}

final class FakeProcess: LaunchedContainer {
    let process: ChildProcess
    let status: SharedDescriptor
    private let failure: RequestFailure?
    private var terminal: SharedDescriptor?
    private var further: [FakeProcess] = []

    init(
        _ arguments: [String], _ output: ProcessOutput, _ failure: RequestFailure?, hasTerminal: Bool
    ) throws(RequestFailure) {
        self.failure = failure
        do {
            // The reading end of a pipe that nobody writes to is readable at once.
            status = try SharedPipe().read
            var spawn = Spawn(arguments[0], Array(arguments.dropFirst()), environment: ["PATH=/usr/bin:/bin"])
            spawn.standardInput = output.standardInput
            spawn.standardOutput = output.standardOutput
            spawn.standardError = output.standardError
            spawn.newSession = true
            if hasTerminal {
                let (master, slave) = try PseudoTerminal.open()
                terminal = master
                // A new session takes the terminal as its own.
                spawn = Spawn(
                    "/usr/bin/setsid", ["--ctty", "--wait"] + arguments,
                    environment: ["PATH=/usr/bin:/bin", "TERM=dumb"])
                spawn.standardInput = slave
                spawn.standardOutput = slave
                spawn.standardError = slave
            }
            process = try spawn.start()
        } catch {
            throw RequestFailure(error)
        }
    }

    func outcome() -> LaunchOutcome? {
        failure.map { .failed($0) } ?? .started(.init(uid: 0, gid: 0, groups: [0]), notes: [])
    }

    func receiveTerminal() throws(SystemError) -> FileDescriptor? {
        defer { terminal = nil }
        return try terminal?.descriptor.duplicate()
    }

    func exec(_ request: ExecRequest, output: ProcessOutput) throws(RequestFailure) -> any LaunchedProcess {
        let process = try FakeProcess(request.arguments, output, nil, hasTerminal: request.terminal)
        further.append(process)
        return process
    }

    /// Kills and reaps, unless that has been done.
    func end() {
        for process in further { process.end() }
        _ = try? process.send(SIGKILL)
        _ = try? process.wait(block: true)
    }
}

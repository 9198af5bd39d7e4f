import Base
import CLinux
import Containers
import OCI
import PodProtocol

/// Containers made by the `Containers` library.
final class OCIBackend: ContainerBackend {
    func launch(_ start: StartContainer, output: ProcessOutput, pidNamespace: SharedDescriptor?)
        throws(RequestFailure) -> any LaunchedContainer
    {
        var spec: RuntimeSpec
        do { spec = try RuntimeSpec(json: start.spec) } catch {
            throw RequestFailure(.invalid, "container \(start.container): \(error)", reason: "CreateContainerError")
        }
        spec.process.terminal = start.terminal
        var request = ContainerRequest(
            id: start.id, spec: spec, root: Self.root(start.root), user: Self.user(start.user))
        request.runAsNonRoot = start.user.mustNotBeRoot
        request.seccompProgram = try Self.program(start.seccompProgram)
        request.cgroup = try Self.cgroup(start.cgroup)
        request.standardInput = output.standardInput
        request.standardOutput = output.standardOutput
        request.standardError = output.standardError
        request.pidNamespace = pidNamespace
        do {
            let launch = try ContainerLauncher.launch(request)
            return OCIContainer(launch, process: spec.process, cgroup: start.cgroup, seccomp: start.seccompProgram)
        } catch {
            throw RequestFailure(error)
        }
    }

    private static func root(_ root: StartContainer.Root) -> RootFilesystem {
        switch root {
        case .overlay(let lower, let upper, let work): .overlay(lower: lower, upper: upper, work: work)
        case .directory(let path): .directory(path)
        }
    }

    private static func user(_ user: StartContainer.User) -> UserRequest {
        UserRequest(
            uid: user.uid, gid: user.gid, name: user.image, additionalGids: user.groups,
            useImageGroups: user.usesImageGroups)
    }

    /// The filter's bytes. It is read anew for each process rather than kept. A filter that was asked for and cannot be
    /// read is a failure, never no filter.
    static func program(_ path: String?) throws(RequestFailure) -> [UInt8] {
        guard let path else { return [] }
        let bytes: [UInt8]
        // The kernel takes at most 4096 instructions of 8 bytes.
        do { bytes = try Files.read(path, limit: 4096 * 8) } catch {
            throw RequestFailure(error, reason: "CreateContainerError")
        }
        guard !bytes.isEmpty, bytes.count % 8 == 0 else {
            throw RequestFailure(
                SystemError("read the seccomp program", path, .invalid), reason: "CreateContainerError")
        }
        return bytes
    }

    static func cgroup(_ path: String?) throws(RequestFailure) -> SharedDescriptor? {
        guard let path else { return nil }
        do { return SharedDescriptor(try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)) } catch {
            throw RequestFailure(error, reason: "CreateContainerError")
        }
    }
}

/// A process made by the `Containers` library.
class OCIProcess: LaunchedProcess {
    private let launch: Launch
    private var collected = LaunchStatus()
    fileprivate var user: ResolvedUser?

    fileprivate init(_ launch: Launch) { self.launch = launch }

    var process: ChildProcess { launch.process }
    var status: SharedDescriptor { launch.status }

    func outcome() -> LaunchOutcome? {
        switch collected.receive(launch) {
        case nil: return nil
        case .started(let user, let notes):
            self.user = user
            return .started(.init(uid: user.uid, gid: user.gid, groups: user.groups), notes: notes)
        case .failed(let error): return .failed(RequestFailure(error))
        }
    }

    func receiveTerminal() throws(SystemError) -> FileDescriptor? { try launch.receiveTerminal() }
}

/// A container made by the `Containers` library, with what further processes in it need.
final class OCIContainer: OCIProcess, LaunchedContainer {
    private let template: RuntimeProcess
    private let cgroup: String?
    private let seccomp: String?

    fileprivate init(_ launch: Launch, process: RuntimeProcess, cgroup: String?, seccomp: String?) {
        template = process
        self.cgroup = cgroup
        self.seccomp = seccomp
        super.init(launch)
    }

    func exec(_ request: PodProtocol.ExecRequest, output: ProcessOutput) throws(RequestFailure) -> any LaunchedProcess {
        guard let user else { throw RequestFailure(.notRunning, "exec: the container is still starting") }
        var process = template
        process.args = request.arguments
        process.env += request.environment
        // As at the start: otherwise the image's user file, which the container may have changed, would be read again.
        if !process.env.contains(where: { $0.hasPrefix("HOME=") }) {
            process.env.append("HOME=\(user.home.flatMap { $0.isEmpty ? nil : $0 } ?? "/")")
        }
        process.cwd = request.workingDirectory ?? template.cwd
        process.terminal = request.terminal
        process.consoleSize = request.size.map { RuntimeConsoleSize(height: $0.rows, width: $0.columns) }
        // What other runtimes give to a process with a terminal.
        if request.terminal, !process.env.contains(where: { $0.hasPrefix("TERM=") }) {
            process.env.append("TERM=xterm")
        }
        // The user was looked up when the container started: what its image says since then does not count.
        var exec = Containers.ExecRequest(
            process: process,
            user: UserRequest(
                uid: user.uid, gid: user.gid, additionalGids: user.groups, useImageGroups: false))
        exec.seccompProgram = try OCIBackend.program(seccomp)
        exec.cgroup = try OCIBackend.cgroup(cgroup)
        exec.standardInput = output.standardInput
        exec.standardOutput = output.standardOutput
        exec.standardError = output.standardError
        do { return OCIProcess(try ContainerLauncher.exec(in: self.process, exec)) } catch {
            throw RequestFailure(error)
        }
    }
}

extension RequestFailure {
    /// What the container library says, with the reason that a container status has for it.
    init(_ error: ContainerError) {
        let reason =
            switch error.kind {
            case .invalid: "CreateContainerError"
            case .user: "CreateContainerConfigError"
            case .setup, .notFound, .permissionDenied, .notExecutable, .killed, .notRunning: "StartError"
            }
        let code: Code =
            switch error.kind {
            case .invalid: .invalid
            case .notRunning: .notRunning
            default: .failed
            }
        self.init(
            code, error.description, step: error.step, object: error.object, errno: error.errno?.rawValue,
            reason: reason)
    }
}

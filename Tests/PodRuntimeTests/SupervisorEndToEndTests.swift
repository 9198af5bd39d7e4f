import Base
import CLinux
import JSON
import PodProtocol
import PodRuntime
import TestSupport
import Testing

/// The real `swiftlet-pod` with real containers.
@Suite(.enabled(if: canRunPods), .serialized) struct SupervisorEndToEndTests {
    @Test func containersRunInThePodsNamespacesAndEndWithTheirCode() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory()
            defer { lab.finish() }
            var web = try lab.container(
                "web", "hostname; cat /sys/class/net/lo/operstate; ls /sys/class/net; id -u; echo $$; exit 3")
            web.user.image = "web"
            let state = try lab.running(web)
            try require(state.user?.uid == 101 && state.user?.gid == 102, "\(state)")
            let exit = try lab.exit(of: "web")
            try require(exit.code == 3 && exit.signal == 0, "\(exit)")
            let lines = try lab.lines("web")
            try require(lines == ["castle", "unknown", "lo", "101", "1"], "\(lines)")
            let record = PodConfiguration.exitRecordPath(
                runFolder: lab.folder.path + "/run", container: "web", attempt: 0)
            try require(Files.exists(record), "the exit record")
        }
    }

    @Test func signalsReachTheContainerAndKillEndsIt() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory()
            defer { lab.finish() }
            _ = try lab.running(
                try lab.container("web", "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done"))
            try lab.turn("readiness") { try lab.lines("web") == ["ready"] }
            lab.client.signal("web", SIGTERM) { _ in }
            try require(try lab.exit(of: "web").code == 5, "the trap's code")
            try require(try lab.lines("web") == ["ready", "got it"], "the trap ran")
            _ = try lab.running(try lab.container("web", "sleep 1000", attempt: 1))
            var delivered: Result<Bool, RequestFailure>?
            lab.client.kill("web") { delivered = $0 }
            let exit = try lab.exit(of: "web", attempt: 1)
            try require(exit.code == 137 && exit.signal == SIGKILL, "\(exit)")
            try require(delivered == .success(true), "\(String(describing: delivered))")
        }
    }

    @Test func aProgramThatIsNotThereIsNamed() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory()
            defer { lab.finish() }
            var web = try lab.container("web", "")
            var spec = web.spec.objectValue ?? JSONObject()
            var process = spec["process"]?.objectValue ?? JSONObject()
            process["args"] = ["/bin/nothing"]
            spec["process"] = .object(process)
            web.spec = .object(spec)
            guard case .failure(let failure) = try lab.start(web) else { throw Unmet(what: "a failure") }
            try require(failure.message.contains("/bin/nothing"), failure.message)
            try require(failure.reason == "StartError" && failure.errno == ENOENT, "\(failure)")
            var root = try lab.container("root", "true", attempt: 1)
            root.user.mustNotBeRoot = true
            guard case .failure(let refusal) = try lab.start(root) else { throw Unmet(what: "a refusal") }
            try require(refusal.reason == "CreateContainerConfigError", "\(refusal)")
        }
    }

    @Test func sessionsRunInTheContainer() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory()
            defer { lab.finish() }
            let web = try lab.running(try lab.container("web", "sleep 1000"))
            let plain = try lab.exec(
                ExecRequest(
                    container: "web", arguments: ["/bin/sh", "-c", "echo $A; id -u; cat; echo err >&2; exit 7"],
                    environment: ["A=b"], standardInput: true)
            ) { session in
                Array("typed\n".utf8).withUnsafeBytes { session.write($0) }
                session.closeInput()
            }
            try require(plain.text == "b\n0\ntyped\n", plain.text)
            try require(plain.output[.standardError] == Array("err\n".utf8), "error output")
            try require(plain.end == .success(.init(code: 7, signal: 0)), "\(String(describing: plain.end))")
            let terminal = try lab.exec(
                ExecRequest(
                    container: "web", arguments: ["/bin/sh", "-c", "tty; stty size; read line; echo got-$line"],
                    terminal: true, standardInput: true, size: .init(rows: 33, columns: 99))
            ) { session in
                Array("typed\n".utf8).withUnsafeBytes { session.write($0) }
            }
            try require(terminal.text.contains("/dev/pts/0"), terminal.text)
            try require(terminal.text.contains("33 99") && terminal.text.contains("got-typed"), terminal.text)
            let missing = try lab.exec(ExecRequest(container: "web", arguments: ["/bin/nothing"]))
            guard case .failure(let failure) = missing.end else { throw Unmet(what: "a failure") }
            try require(failure.message.contains("/bin/nothing"), failure.message)
            try require(SupervisorLaboratory.isAlive(pid_t(web.pid)), "the container is not touched")
        }
    }

    @Test func aFloodOfOutputStaysBoundedAndHoldsNobodyUp() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory()
            defer { lab.finish() }
            var web = try lab.container(
                "web", "yes 0123456789012345678901234567890123456789 | head -c 8000000; echo; exit 4")
            web.log.maximumBytes = 300_000
            web.log.maximumFiles = 3
            _ = try lab.running(web)
            _ = try lab.running(try lab.container("other", "echo here"))
            try require(try lab.exit(of: "other").code == 0, "the other container")
            try require(try lab.exit(of: "web").code == 4, "the flood's end")
            let logs = try Files.list(lab.folder.path).filter { $0.hasPrefix("web.0.log") }
            try require(logs.count == 3, "\(logs)")
            for log in logs {
                let size = try FileDescriptor.open("\(lab.folder.path)/\(log)", O_RDONLY).status().st_size
                try require(size <= 300_000, "\(log) has \(size) bytes")
            }
        }
    }

    @Test func containersThatShareTheProcessNamespaceSeeEachOtherAndEndWithTheSupervisor() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory { $0.sharesProcessNamespace = true }
            defer { lab.finish() }
            func shared(_ name: String, _ script: String) throws -> StartContainer {
                var container = try lab.container(name, script)
                var spec = container.spec.objectValue ?? JSONObject()
                spec["linux"] = ["namespaces": [["type": "mount"], ["type": "cgroup"]]]
                container.spec = .object(spec)
                return container
            }
            let web = try lab.running(try shared("web", "sleep 1000"))
            _ = try lab.running(
                try shared("look", "(sleep 0.1 &) ; sleep 0.4; ps -o comm; ls /proc/1/root; exit 0"))
            try require(try lab.exit(of: "look").code == 0, "the look")
            let lines = try lab.lines("look")
            // The header, the pause process, the other container, the shell and ps: its orphan is reaped.
            try require(lines.prefix(5) == ["COMMAND", "swiftlet-pause", "sleep", "sh", "ps"], "\(lines)")
            try require(lines.dropFirst(5).allSatisfy { $0.contains("Permission denied") }, "\(lines)")
            let pause = try #require(children(of: lab.client.process.pid).first { $0 != pid_t(web.pid) })
            let status = try Files.readText("/proc/\(pause)/status")
            for set in ["CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"] {
                try require(status.contains("\(set):\t0000000000000000"), "\(set) of the pause process")
            }
            try require(status.contains("NoNewPrivs:\t1") && status.contains("Uid:\t65535"), status)
            try require(try Files.list("/proc/\(pause)/root").isEmpty, "its root is empty")
            try lab.client.process.send(SIGKILL)
            try lab.turn("the loss") { lab.loss != nil }
            try lab.turn("the end of all") {
                !SupervisorLaboratory.isAlive(pause) && !SupervisorLaboratory.isAlive(pid_t(web.pid))
            }
        }
    }

    @Test func aNewAgentFindsTheSupervisorAndWhatRuns() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory()
            defer { lab.finish() }
            let supervisor = lab.client.process.pid
            let web = try lab.running(try lab.container("web", "sleep 1000"))
            try lab.adopt()
            try require(lab.client.process.pid == supervisor, "the same process is at the other end")
            var states: [ContainerState] = []
            lab.client.list { states = (try? $0.get()) ?? [] }
            try lab.turn("the list") { !states.isEmpty }
            try require(states == [web], "\(states)")
            lab.client.kill("web") { _ in }
            try require(try lab.exit(of: "web").signal == SIGKILL, "the end is told")
            var ended = false
            lab.client.shutdown { if case .success = $0 { ended = true } }
            try lab.turn("the supervisor's end") { lab.loss != nil }
            try require(ended, "the shutdown is answered")
        }
    }

    @Test func aSupervisorThatIsKilledIsLostAndItsRequestsFail() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory()
            defer { lab.finish() }
            _ = try lab.running(try lab.container("web", "sleep 1000"))
            try lab.client.process.send(SIGTERM)
            var alive = false
            lab.client.list { if case .success = $0 { alive = true } }
            try lab.turn("an answer after SIGTERM") { alive }
            try lab.client.process.send(SIGSTOP)
            var answer: Result<[ContainerState], RequestFailure>?
            lab.client.list { answer = $0 }
            try lab.client.process.send(SIGKILL)
            try lab.turn("the loss") { lab.loss != nil }
            guard case .failure(let failure) = answer else { throw Unmet(what: "a failed request") }
            try require(failure.code == .lost, "\(failure)")
        }
    }

    @Test func aSupervisorThatCannotServeSaysWhy() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory { $0.network = .path("/nowhere/netns") }
            defer { lab.finish() }
            try lab.turn("the refusal") { lab.loss != nil }
            guard case .refused(let why) = lab.loss else { throw Unmet(what: "\(String(describing: lab.loss))") }
            try require(why.contains("/nowhere/netns") && why.contains("default/test"), why)
        }
    }

    @Test func theProgramCannotBeWrittenThroughItsProcess() async {
        await #expect(processExitsWith: .success) {
            let lab = try SupervisorLaboratory()
            defer { lab.finish() }
            // Opening it is refused while it runs, anyway; a change of its mode only by the read-only mount.
            let path = "/proc/\(lab.client.process.pid)/exe"
            try require(swl_open(path, O_WRONLY, 0) < 0, "opened for writing")
            try require(chmod(path, 0o755) < 0 && Errno.current == .readOnly, "\(Errno.current)")
        }
    }
}

private func children(of pid: pid_t) throws -> [pid_t] {
    try Files.readText("/proc/\(pid)/task/\(pid)/children").split(separator: " ").compactMap { pid_t($0) }
}

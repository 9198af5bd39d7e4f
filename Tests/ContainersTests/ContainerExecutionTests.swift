import Base
import CLinux
import Linux
import OCI
import Testing

@testable import Containers

/// Executing programs, in new containers and running ones.
@Suite(.enabled(if: canRunContainers, "needs root and busybox"))
struct ContainerExecutionTests {
    @Test func eachFailureToExecuteHasItsWords() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            try lab.write("/bin/text", "no program", mode: 0o755)
            try lab.write("/bin/closed", "#!/bin/sh\n", mode: 0o644)
            try lab.write("/bin/orphan", "#!/no/interpreter\n", mode: 0o755)
            func error(_ args: [String]) throws -> (ContainerError.Kind?, String) {
                let ended = try lab.run(try lab.request(args))
                return (ended.error?.kind, ended.error?.description ?? "")
            }
            #expect(try error(["foo"]) == (.notFound, "exec: \"foo\": executable file not found in $PATH"))
            #expect(try error(["/foo"]) == (.notFound, "exec: \"/foo\": no such file or directory"))
            #expect(try error(["closed"]) == (.permissionDenied, "exec: \"closed\": permission denied"))
            #expect(try error(["/etc"]) == (.permissionDenied, "exec: \"/etc\": permission denied"))
            #expect(try error(["text"]).0 == .notExecutable)
            #expect(try error(["text"]).1.hasPrefix("exec: \"/bin/text\": exec format error"))
            #expect(try error(["/bin/orphan"]).1.contains("interpreter or dynamic loader is missing"))
            #expect(try error([]).0 == .notFound)
        }
    }

    @Test func theProgramIsLookedForInTheContainersPathOnly() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            try Files.makeDirectories(lab.image + "/opt")
            try lab.write("/opt/tool", "#!/bin/sh\necho tool $0\n", mode: 0o755)
            try lab.write("/work/tool", "#!/bin/sh\necho WRONG\n", mode: 0o755)
            var request = try lab.request(["tool"])
            request.spec.process.cwd = "/work"
            request.spec.process.env = ["PATH=:.:/bin:/opt"]
            #expect(try lab.run(request).output == "tool /opt/tool\n")
        }
    }

    @Test func theWorkingFolderIsMadeForTheUser() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            var request = try lab.script("pwd; stat -c '%u:%g %a' .; echo > file && echo written")
            request.spec.process.cwd = "/srv/app"
            request.user.uid = 1000
            #expect(try lab.run(request).output == "/srv/app\n1000:0 755\nwritten\n")
        }
    }

    @Test func usersAreThoseOfTheImage() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let command = "id -u; id -g; cat /proc/self/status | grep Groups; echo $HOME"
            func ids(_ user: UserRequest) throws -> String {
                var request = try lab.script(command)
                request.user = user
                let ended = try lab.run(request)
                return ended.error?.description
                    ?? ended.output.split(separator: "\n").joined(separator: " ")
                    .replacing("Groups:\t", with: "").replacing("  ", with: " ")
            }
            #expect(try ids(UserRequest()) == "0 0 0 /root")
            #expect(try ids(UserRequest(name: "web")) == "101 102 102 200 /srv/web")
            #expect(try ids(UserRequest(name: "web:root")) == "101 0 0 200 /srv/web")
            #expect(try ids(UserRequest(name: "101", useImageGroups: false)) == "101 102 102 /srv/web")
            #expect(try ids(UserRequest(uid: 1000, additionalGids: [7, 8])) == "1000 0 0 7 8 /")
            #expect(try ids(UserRequest(uid: 5, gid: 6, name: "web")) == "5 6 6 /")
            #expect(try ids(UserRequest(name: "nobody")).contains("find the user nobody"))
        }
    }

    @Test func runAsNonRootIsCheckedOnTheNumberItself() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            try lab.write("/etc/passwd", "innocent:x:0:0::/:/bin/sh\n")
            var request = try lab.script("true")
            request.user.name = "innocent"
            request.runAsNonRoot = true
            #expect(try lab.run(request).error?.kind == .user)
        }
    }

    @Test func pipesBelongToTheUserAndDevicesDoNot() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            var request = try lab.script("echo through the name > /dev/stdout")
            request.user.uid = 1000
            #expect(try lab.run(request).output == "through the name\n")

            request = try lab.script("true")
            request.user.uid = 1000
            request.standardInput = SharedDescriptor(try .open("/dev/null", O_RDWR))
            _ = try lab.run(request)
            var status = stat()
            #expect(lstat("/dev/null", &status) == 0 && status.st_uid == 0)
        }
    }

    @Test func aProcessJoinsARunningContainer() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let container = try lab.sleeper()
            var process = RuntimeProcess(
                args: ["sh", "-c", "cat /proc/1/cmdline | head -c 10; echo; id -u; pwd; ls /proc/self/fd; exit 3"],
                env: ["PATH=/bin"], cwd: "/etc")
            process.capabilities = RuntimeCapabilities(["CAP_KILL"])
            var ended = try lab.exec(in: container, ExecRequest(process: process, user: .init(uid: 5, gid: 5)))
            #expect(ended.error == nil)
            #expect(ended.output == "/bin/sleep\n5\n/etc\n0\n1\n2\n3\n")
            #expect(ended.exit?.code == 3)

            process.args = ["cat", "/proc/self/status"]
            ended = try lab.exec(in: container, ExecRequest(process: process))
            #expect(ended.output.contains("CapEff:\t0000000000000020\n"))
            #expect(ended.output.contains("CapInh:\t0000000000000000\n"))

            process.args = ["nothing"]
            #expect(try lab.exec(in: container, ExecRequest(process: process)).error?.kind == .notFound)

            // Our children are not in the container's pid namespace.
            #expect(try lab.run(try lab.script("echo $$")).output == "1\n")

            try container.send(SIGKILL)
            _ = try container.wait(block: true)
            do throws(ContainerError) {
                _ = try ContainerLauncher.exec(in: container, ExecRequest(process: process))
                Issue.record("entered a container that has ended")
            } catch { #expect(error.kind == .notRunning) }
        }
    }

    @Test func aTerminalIsTheContainersOwn() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            func talk(_ launch: Launch) throws -> String {
                let outcome = lab.outcome(of: launch)
                guard case .started = outcome else { return "\(outcome)" }
                guard let master = try launch.receiveTerminal() else { return "no terminal" }
                var text: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 1024)
                while true {
                    let count = buffer.withUnsafeMutableBytes { read(master.raw, $0.baseAddress, $0.count) }
                    // EIO: the last holder of the other end is gone.
                    if count <= 0 { break }
                    text += buffer[..<count]
                }
                _ = try launch.process.wait(block: true)
                return String(decoding: text.filter { $0 != 0x0D }, as: UTF8.self)
            }
            var request = try lab.script("tty; stty size; echo > /dev/tty && stat -c %t:%T /dev/console /dev/pts/0")
            #expect(symlink("busybox", lab.image + "/bin/stty") == 0)
            request.spec.process.terminal = true
            request.spec.process.consoleSize = .init(height: 24, width: 81)
            #expect(try talk(try ContainerLauncher.launch(request)) == "/dev/pts/0\n24 81\n\n88:0\n88:0\n")

            let container = try lab.sleeper()
            var process = RuntimeProcess(args: ["tty"], env: ["PATH=/bin"])
            process.terminal = true
            let launch = try ContainerLauncher.exec(in: container, ExecRequest(process: process))
            #expect(try talk(launch) == "/dev/pts/0\n")
            try container.send(SIGKILL)
            _ = try container.wait(block: true)
        }
    }
}

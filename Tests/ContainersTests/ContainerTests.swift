import Base
import CLinux
import JSON
import Linux
import OCI
import Testing

@testable import Containers

/// Containers that really run. Each test is a process of its own in private namespaces.
@Suite(.enabled(if: canRunContainers, "needs root and busybox"))
struct ContainerTests {
    @Test func aProgramRunsAndItsExitStatusComesBack() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let ended = try lab.run(try lab.script("echo hello from $$; exit 7"))
            #expect(ended.error == nil)
            #expect(ended.output == "hello from 1\n")
            #expect(ended.exit?.code == 7)
            #expect(ended.user == ResolvedUser(uid: 0, gid: 0, groups: [0], home: "/root"))
        }
    }

    @Test func theContainerSeesItsOwnMountsAlone() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let ended = try lab.run(try lab.request(["/bin/cat", "/proc/self/mountinfo"]))
            let points = ended.output.split(separator: "\n").map { String($0.split(separator: " ")[4]) }
            #expect(
                points.filter { !$0.hasPrefix("/proc/") && !$0.hasPrefix("/sys/firm") }.sorted() == [
                    "/", "/dev", "/dev/mqueue", "/dev/pts", "/dev/shm", "/proc", "/sys", "/sys/fs/cgroup",
                ])
            #expect(!ended.output.contains("shared:") && !ended.output.contains("master:"))
            // The host sees none of them.
            let here = try Files.readText("/proc/thread-self/mountinfo")
            #expect(!here.contains("upperdir") || !here.contains(lab.image))
        }
    }

    @Test func capabilitiesAreExactlyThoseAskedFor() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            var request = try lab.script("cat /proc/self/status")
            request.spec.process.noNewPrivileges = true
            request.spec.process.capabilities = RuntimeCapabilities(["CAP_CHOWN", "CAP_KILL"])
            var status = try lab.run(request).output
            for field in ["CapPrm", "CapEff", "CapBnd"] { #expect(status.contains("\(field):\t0000000000000021\n")) }
            for field in ["CapInh", "CapAmb"] { #expect(status.contains("\(field):\t0000000000000000\n")) }
            #expect(status.contains("NoNewPrivs:\t1\n"))

            // A user without privileges has none, but can get them from a file: they stay in the bounding set.
            request = try lab.script("cat /proc/self/status")
            request.user.uid = 1000
            request.spec.process.capabilities = RuntimeCapabilities(["CAP_KILL"])
            status = try lab.run(request).output
            #expect(status.contains("CapEff:\t0000000000000000\n"))
            #expect(status.contains("CapBnd:\t0000000000000020\n"))
            #expect(status.contains("NoNewPrivs:\t0\n"))

            request = try lab.script("cat /proc/self/status")
            request.user.uid = 1000
            request.spec.process.capabilities = RuntimeCapabilities(["CAP_KILL"])
            request.spec.process.capabilities.ambient = ["CAP_KILL"]
            status = try lab.run(request).output
            #expect(status.contains("CapAmb:\t0000000000000020\n") && status.contains("CapEff:\t0000000000000020\n"))
        }
    }

    @Test func anUnknownOrInheritableCapabilityIsRefused() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            var request = try lab.script("true")
            request.spec.process.capabilities = RuntimeCapabilities(["CAP_FLY"])
            #expect(try lab.run(request).error?.object == "\"CAP_FLY\"")
            request = try lab.script("true")
            request.spec.process.capabilities.inheritable = ["CAP_CHOWN"]
            #expect(try lab.run(request).error?.kind == .invalid)
        }
    }

    @Test func maskedAndReadOnlyPathsHold() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let ended = try lab.run(
                try lab.script(
                    """
                    cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | head -c 10
                    ls /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -v : | head
                    (echo b > /proc/sysrq-trigger) 2>/dev/null && echo WROTE sysrq
                    (echo x > /proc/sys/kernel/hostname) 2>/dev/null && echo WROTE sys
                    (echo 1 > /sys/kernel/mm/ksm/run) 2>/dev/null && echo WROTE sysfs
                    mkdir /sys/fs/cgroup/x 2>/dev/null && echo MADE cgroup
                    mount -t tmpfs x /tmp 2>/dev/null && echo MOUNTED
                    mount -o remount,rw /proc/sys 2>/dev/null && echo REMOUNTED
                    echo end
                    """))
            #expect(ended.output.split(separator: "\n").filter { !$0.isEmpty } == ["end"])
        }
    }

    @Test func nothingOfTheHostIsOpen() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            // Descriptors of ours without close-on-exec, as a careless caller would have them.
            let leak = try FileDescriptor.open("/", O_RDONLY | O_DIRECTORY)
            #expect(dup2(leak.raw, 77) == 77)
            let ended = try lab.run(try lab.request(["/bin/ls", "/proc/self/fd"]))
            // The fourth is the listing's own.
            #expect(ended.output == "0\n1\n2\n3\n")
        }
    }

    @Test func aMissingStreamIsTheContainersOwnNullDevice() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let ended = try lab.run(
                try lab.script("chmod 600 /proc/self/fd/0; stat -c '%a %t:%T' -L /dev/null; cat; echo end"))
            #expect(ended.output == "600 1:3\nend\n")
            var status = stat()
            #expect(lstat("/dev/null", &status) == 0 && status.st_mode & 0o777 == 0o666)
        }
    }

    @Test func theRootCanBeReadOnly() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            var request = try lab.script("(echo > /x) 2>/dev/null && echo WROTE; echo > /dev/shm/x && echo shm; pwd")
            request.spec.root.readonly = true
            request.spec.process.cwd = "/made/before"
            #expect(try lab.run(request).output == "shm\n/made/before\n")
        }
    }

    @Test func theImageIsNotWritten() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let ended = try lab.run(try lab.script("echo > /new; echo changed > /etc/passwd; ls /new"))
            #expect(ended.output == "/new\n")
            #expect(!Files.exists(lab.image + "/new"))
            #expect(try Files.readText(lab.image + "/etc/passwd").hasPrefix("root:"))
        }
    }

    @Test func aDirectoryCanBeTheRoot() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            var request = try lab.script("echo > /new; echo ok")
            request.root = .directory(lab.image)
            #expect(try lab.run(request).output == "ok\n")
            #expect(Files.exists(lab.image + "/new"))
            let table = try Files.readText("/proc/thread-self/mountinfo")
            #expect(!table.contains(lab.image + "/proc"))
        }
    }

    @Test func namespacesAreOwnOrShared() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            // Shared with the caller: the pod's.
            var names: [String] = []
            for kind in ["net", "uts", "ipc"] {
                var buffer = [CChar](repeating: 0, count: 64)
                let count = readlink("/proc/thread-self/ns/\(kind)", &buffer, 63)
                names.append(String(decoding: buffer[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self))
            }
            let links = try lab.script("for n in net uts ipc; do readlink /proc/self/ns/$n; done")
            #expect(try lab.run(links).output == names.joined(separator: "\n") + "\n")
            // Its own, with a name.
            var own = try lab.script("cat /proc/sys/kernel/hostname; readlink /proc/self/ns/uts")
            own.spec.linux.namespaces.append(.init(.uts))
            own.spec.hostname = "häuschen"
            let output = try lab.run(own).output
            #expect(output.hasPrefix("häuschen\n") && !output.contains(names[1]))
            // The caller's pid namespace.
            var host = try lab.script("[ $$ != 1 ] && [ -d /proc/\(getpid()) ] && echo sees us")
            host.spec.linux.namespaces.removeAll { $0.kind == .pid }
            #expect(try lab.run(host).output == "sees us\n")
        }
    }

    @Test func aPodCanShareOnePidNamespace() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let first = try lab.sleeper()
            var second = try lab.script("cat /proc/1/cmdline | head -c 10; [ $$ != 1 ] && echo; ls /proc/1/root 2>&1")
            second.spec.linux.namespaces.removeAll { $0.kind == .pid }
            second.pidNamespace = first.pidfd
            let ended = try lab.run(second)
            #expect(ended.output.hasPrefix("/bin/sleep\n"))
            // The children of ours that follow are in our own namespace again.
            #expect(try lab.run(try lab.script("echo $$")).output == "1\n")
            try first.send(SIGKILL)
            #expect(try first.wait(block: true)?.signal == SIGKILL)
        }
    }

    @Test func limitsAreSetOrReported() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            var request = try lab.script("ulimit -n; ulimit -c; cat /proc/self/oom_score_adj; umask")
            request.spec.process.rlimits = [
                .init(type: "RLIMIT_NOFILE", soft: 100, hard: 200), .init(type: "RLIMIT_CORE", soft: 0, hard: 0),
            ]
            request.spec.process.oomScoreAdj = 500
            request.spec.process.user.umask = 0o027
            #expect(try lab.run(request).output == "100\n0\n500\n0027\n")

            request = try lab.script("ulimit -Hn")
            request.spec.process.rlimits = [.init(type: "RLIMIT_NOFILE", soft: 1 << 20, hard: 1 << 20)]
            let ended = try lab.run(request)
            if ended.output != "1048576\n" { #expect(ended.notes.first?.contains("CAP_SYS_RESOURCE") == true) }

            request = try lab.script("true")
            request.spec.process.rlimits = [.init(type: "RLIMIT_FISH", soft: 1, hard: 1)]
            #expect(try lab.run(request).error?.kind == .invalid)
        }
    }

    @Test func nothingRunsWithoutTheAppArmorProfileThatItIsToBeUnder() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            var request = try lab.script("echo runs")
            // Where there is no AppArmor, no profile is there either.
            request.spec.process.apparmorProfile = "swiftlet-missing"
            let ended = try lab.run(request)
            #expect(ended.output == "" && ended.error?.kind == .invalid)
            #expect(ended.error?.description.contains("AppArmor profile \"swiftlet-missing\"") == true)
        }
    }

    @Test func whatIsNotCarriedOutIsRefused() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            func refused(_ change: (inout ContainerRequest) -> Void) throws -> String {
                var request = try lab.script("true")
                change(&request)
                do throws(ContainerError) { _ = try ContainerLauncher.launch(request) } catch { return error.step }
                return ""
            }
            #expect(try refused { $0.id = "../x" } == "name the container")
            #expect(try refused { $0.spec.linux.namespaces.append(.init(.user)) } == "linux.namespaces")
            #expect(try refused { $0.spec.linux.namespaces.append(.init(.pid)) } == "linux.namespaces")
            #expect(try refused { $0.spec.linux.namespaces.append(.init(.ipc, path: "/x")) } == "linux.namespaces")
            #expect(try refused { $0.spec.linux.namespaces = [] } == "linux.namespaces")
            #expect(try refused { $0.spec.hostname = "x" } == "hostname")
            #expect(try refused { $0.spec.linux.sysctl = ["net.x": "1"] } == "linux.sysctl")
            #expect(try refused { $0.spec.linux.seccomp = [:] } == "linux.seccomp")
            #expect(try refused { $0.seccompProgram = [1] } == "use the seccomp program")
            #expect(try refused { $0.spec.process.cwd = "../.." } == "process.cwd")
            #expect(try refused { $0.spec.process.apparmorProfile = "" } == "process.apparmorProfile")
            let long = String(repeating: "x", count: 4091)
            #expect(try refused { $0.spec.process.apparmorProfile = long } == "process.apparmorProfile")
            #expect(try refused { $0.spec.process.args = ["a\0b"] } == "process.args and env")
            #expect(try refused { $0.spec.mounts = [] } == "make the devices in")
            #expect(try refused { $0.spec.mounts[0].type = "ext4" } == "mount /proc")
            #expect(try refused { $0.spec.mounts[0].destination = "/a/../../x" } == "mounts[0].destination")
        }
    }
}

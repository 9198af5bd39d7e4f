import Base
import CLinux
import Cgroups
import Linux
import OCI
import Seccomp
import Testing

@testable import Containers

/// What hostile images, manifests and processes try. The names of the tests say what must not work.
@Suite(.enabled(if: canRunContainers, "needs root and busybox"))
struct ContainerAttackTests {
    @Test func linksInTheImageDoNotLeadMountsToTheHost() async {
        await #expect(processExitsWith: .success) {
            for name in ["dev", "proc", "sys", "tmp"] {
                let lab = try Laboratory()
                let victim = try lab.folder("victim")
                let path = lab.image + "/" + name
                #expect(rmdir(path) == 0)
                #expect(symlink(victim, path) == 0)
                let before = try Files.readText("/proc/thread-self/mountinfo")
                var request = try lab.script("echo ran")
                request.spec.mounts.append(
                    RuntimeMount(destination: "/tmp/x", type: "tmpfs", source: "tmpfs", options: []))
                let ended = try lab.run(request)
                if name == "proc" || name == "sys" {
                    #expect(ended.error?.hint.contains("symbolic link") == true, "\(name)")
                } else {
                    // It leads to the same path inside the image; that of /tmp would be below itself.
                    #expect(name == "tmp" ? ended.error?.errno == .loop : ended.output == "ran\n", "\(name)")
                }
                #expect(try Files.list(victim).isEmpty, "\(name)")
                #expect(try Files.readText("/proc/thread-self/mountinfo") == before, "\(name)")
            }
        }
    }

    @Test func aLinkedDeviceFolderIsFilledInsideTheImageOnly() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let victim = try lab.folder("victim")
            try Files.makeDirectories(lab.image + victim)
            #expect(rmdir(lab.image + "/dev") == 0 && symlink(victim, lab.image + "/dev") == 0)
            let ended = try lab.run(try lab.script("[ -c \(victim)/null ] && [ -L /dev/ptmx ] && echo inside"))
            #expect(ended.output == "inside\n")
            #expect(try Files.list(victim).isEmpty)
        }
    }

    @Test func mountDestinationsThroughLinksStayInside() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let (victim, source) = (try lab.folder("victim"), try lab.folder("source"))
            try Files.replace(source + "/secret", with: "s".utf8, durable: false)
            try Files.makeDirectories(lab.image + "/inner")
            #expect(symlink("../../../../../..\(victim)", lab.image + "/up") == 0)
            #expect(symlink("/inner", lab.image + "/here") == 0)
            #expect(symlink("/proc/self/cwd", lab.image + "/magic") == 0)
            var request = try lab.script("ls /inner; echo end")
            request.spec.mounts.append(.init(destination: "/here/a", type: "bind", source: source))
            #expect(try lab.run(request).output == "a\nend\n")
            request = try lab.script("ls \(victim)/a")
            request.spec.mounts.append(.init(destination: "/up/a", type: "bind", source: source))
            #expect(try lab.run(request).output == "secret\n")
            request = try lab.script("echo RAN")
            request.spec.mounts.append(.init(destination: "/magic/a", type: "bind", source: source))
            #expect(try lab.run(request).error?.errno == .loop)
            #expect(try Files.list(victim).isEmpty)
        }
    }

    @Test func nothingIsMountedInsideProc() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let source = try lab.folder("source")
            for destination in ["/proc", "/proc/self", "/proc/sys"] {
                var request = try lab.script("echo RAN")
                request.spec.mounts.append(.init(destination: destination, type: "bind", source: source))
                let ended = try lab.run(request)
                #expect(ended.error?.hint == "nothing may be mounted inside /proc", "\(destination)")
            }
        }
    }

    @Test func theWorkingFolderCannotBeADescriptorOfTheHost() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let leak = try FileDescriptor.open("/", O_RDONLY | O_DIRECTORY)
            #expect(dup2(leak.raw, 7) == 7)
            #expect(symlink("/proc/self/fd/7", lab.image + "/jump") == 0)
            for cwd in ["/proc/self/fd/7", "/proc/self/fd/7/etc", "/jump", "/proc/self/cwd", "/proc/1/root"] {
                var request = try lab.script("pwd; ls")
                request.spec.process.cwd = cwd
                let ended = try lab.run(request)
                #expect(ended.error != nil && ended.output == "", "\(cwd)")
            }
        }
    }

    @Test func aUserFileThatIsNoFileDoesNotHang() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let path = lab.image + "/etc/passwd"
            _ = unlink(path)
            #expect(mkfifo(path, 0o644) == 0)
            #expect(try lab.run(try lab.script("echo RAN")).error?.kind == .user)
            _ = unlink(path)
            #expect(symlink("/dev/zero", path) == 0)
            #expect(try lab.run(try lab.script("echo RAN")).error?.kind == .user)
            _ = unlink(path)
            #expect(symlink("/proc/self/fd/0", path) == 0)
            #expect(try lab.run(try lab.script("echo RAN")).error?.kind == .user)
            _ = unlink(path)
            #expect(truncate(lab.image + "/bin/busybox", -1) != 0)
            try lab.write("/etc/passwd", "")
            #expect(truncate(path, 1 << 40) == 0)
            #expect(try lab.run(try lab.script("echo RAN")).error?.errno == Errno(rawValue: EFBIG))
            _ = unlink(path)
            #expect(symlink("../../../../../../etc/shadow", path) == 0)
            #expect(try lab.run(try lab.script("echo no accounts")).output == "no accounts\n")
        }
    }

    @Test func aDiskMadeByMknodCannotBeOpened() async throws {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let host = try CgroupHierarchy.detect()
            let cgroup = try Cgroup.create(
                Path.join(host.mountPoint, "swiftlet-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"))
            defer { try? cgroup.destroy(within: .seconds(5)) }
            try DeviceProgram(DeviceRule.containerDefault).attach(to: cgroup)
            // kmsg stands for the disk: it is on every machine.
            var request = try lab.script(
                """
                mknod /tmp/disk c 1 11 && echo made
                (exec 3< /tmp/disk) 2>/dev/null && echo OPENED
                head -c 1 /dev/zero | wc -c
                cat /proc/self/cgroup | tail -n 1
                """)
            #expect(symlink("busybox", lab.image + "/bin/wc") == 0 && symlink("busybox", lab.image + "/bin/tail") == 0)
            request.cgroup = cgroup.directory
            let ended = try lab.run(request)
            #expect(ended.error == nil)
            // Its own cgroup is the root of what it sees.
            #expect(ended.output == "made\n1\n0::/\n")

            request = try lab.script("mknod /tmp/disk c 1 11 2>/dev/null && echo MADE; echo end")
            request.cgroup = cgroup.directory
            request.spec.process.capabilities = RuntimeCapabilities()
            #expect(try lab.run(request).output == "end\n")
        }
    }

    @Test func aContainerCannotLookIntoAProcessThatJoinsIt() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let ended = try lab.run(try lab.script("readlink /proc/1/exe; ls -l /proc/1/root >/dev/null && echo own"))
            #expect(ended.output == "/bin/busybox\nown\n")
            #expect(prctlDumpable() == 0)
        }
    }

    @Test func bindMountsShowFoldersAndFilesAsAsked() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let source = try lab.folder("source")
            let inner = try lab.folder("source/inner")
            try MountTree.filesystem("tmpfs", source: "inner").attach(to: try .open(inner, O_PATH), name: inner)
            try Files.replace(inner + "/deep", with: "deep\n".utf8, durable: false)
            try Files.replace(source + "/file", with: "file\n".utf8, durable: false)
            var request = try lab.script(
                """
                cat /a/file /f /r/inner/deep; ls /a/inner
                (echo > /a/x) 2>/dev/null && echo WROTE; echo new > /w/x && cat /w/x
                (echo > /r/inner/x) 2>/dev/null && echo WROTE
                mount | grep ' /a '  | grep -q noexec && echo noexec
                """)
            request.spec.mounts += [
                .init(destination: "/a", type: "bind", source: source, options: ["bind", "ro", "noexec", "rprivate"]),
                .init(destination: "/w", type: "bind", source: source, options: ["rbind", "rw"]),
                .init(destination: "/r", type: "bind", source: source, options: ["rbind", "ro", "rro"]),
                .init(destination: "/f", type: "bind", source: source + "/file", options: ["bind"]),
            ]
            #expect(symlink("busybox", lab.image + "/bin/grep") == 0)
            let ended = try lab.run(request)
            #expect(ended.error == nil)
            #expect(ended.output == "file\nfile\ndeep\nnew\nnoexec\n")

            request = try lab.script("true")
            request.spec.mounts.append(.init(destination: "/etc/passwd", type: "bind", source: source))
            #expect(try lab.run(request).error?.hint.contains("folder cannot be mounted on") == true)
            request = try lab.script("true")
            request.spec.mounts.append(.init(destination: "/x", type: "bind", source: "/no/such"))
            #expect(try lab.run(request).error?.description.contains("the path does not exist on the host") == true)
            request = try lab.script("true")
            request.spec.mounts.append(.init(destination: "/x", type: "bind", source: source, options: ["rshared"]))
            #expect(try lab.run(request).error?.step.contains("share mounts") == true)
        }
    }

    @Test func theSeccompFilterIsLoadedWhoeverTheUserIs() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            #expect(symlink("busybox", lab.image + "/bin/unshare") == 0)
            for (user, noNewPrivileges) in [(0, true), (0, false), (1000, true), (1000, false)] as [(UInt32, Bool)] {
                var request = try lab.script("cat /proc/self/status; unshare -U true 2>/dev/null && echo UNSHARED")
                request.user = UserRequest(uid: user, gid: user)
                request.spec.process.noNewPrivileges = noNewPrivileges
                request.seccompProgram = try SeccompProfile.runtimeDefault(
                    capabilities: request.spec.process.capabilities.bounding
                ).compile()
                let ended = try lab.run(request)
                #expect(ended.error == nil, "\(user) \(noNewPrivileges)")
                #expect(ended.output.contains("Seccomp:\t2\n") && !ended.output.contains("UNSHARED"))
                #expect(ended.output.contains("NoNewPrivs:\t\(noNewPrivileges ? 1 : 0)\n"))
                // What the loading needed is not kept: no CAP_SYS_ADMIN.
                let effective = user == 0 ? "00000000a80425fb" : "0000000000000000"
                #expect(ended.output.contains("CapEff:\t\(effective)\n"))
            }
        }
    }

    @Test func maskedFilesDoNotOpenTheHostsDevices() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            #expect(symlink("busybox", lab.image + "/bin/chmod") == 0)
            _ = try lab.run(try lab.script("chmod 000 /proc/keys /proc/kcore /dev/null"))
            var status = stat()
            #expect(lstat("/dev/null", &status) == 0 && status.st_mode & 0o777 == 0o666)
        }
    }

    @Test func aPrivilegedContainerHasWhatItAsksFor() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            var request = try lab.script(
                "mount -t tmpfs x /tmp && echo mounted; [ -c /dev/kmsg ] && echo kmsg; mount | grep ' /sys ' | grep -c rw,"
            )
            #expect(symlink("busybox", lab.image + "/bin/grep") == 0)
            request.spec.process.capabilities = RuntimeCapabilities(CapabilitySet.all.members.map(\.name))
            request.spec.linux.maskedPaths = []
            request.spec.linux.readonlyPaths = []
            request.spec.mounts[5].options.removeAll { $0 == "ro" }
            request.spec.linux.devices = try HostDevice.all().map {
                var device = RuntimeDevice(
                    path: $0.path, kind: $0.isBlock ? .block : .character, major: $0.major, minor: $0.minor)
                device.fileMode = $0.mode
                return device
            }
            let ended = try lab.run(request)
            #expect(ended.error == nil)
            #expect(ended.output.hasPrefix("mounted\n") && ended.output.hasSuffix("1\n"))
            if Files.exists("/dev/kmsg") { #expect(ended.output.contains("kmsg\n")) }
        }
    }
}

private func prctlDumpable() -> Int { Int(swl_prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)) }

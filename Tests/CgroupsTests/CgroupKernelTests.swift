import Base
import CLinux
import TestSupport
import Testing

@testable import Cgroups

private let isPossible: Bool = {
    guard geteuid() == 0, let host = try? CgroupHierarchy.detect() else { return false }
    return access(host.mountPoint, W_OK) == 0
}()

/// Against the running kernel: a cgroup of this test alone, removed with it.
@Suite(.enabled(if: isPossible, "needs root and a writable cgroup2 hierarchy"), .serialized)
struct CgroupKernelTests {
    private func withCgroup(_ body: (Cgroup) throws -> Void) throws {
        let name = "swiftlet-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let cgroup = try Cgroup.create(Path.join(try CgroupHierarchy.detect().mountPoint, name))
        defer { try? cgroup.destroy(within: .seconds(5)) }
        try body(cgroup)
    }

    private func sleeper(in cgroup: Cgroup, _ command: String = "sleep 1000") throws -> ChildProcess {
        var spawn = Spawn("/bin/sh", ["-c", command])
        spawn.cgroup = cgroup.directory
        return try spawn.start()
    }

    @Test func killEndsEverythingAndRemovalFollows() throws {
        try withCgroup { cgroup in
            let child = try cgroup.child("a", create: true)
            let process = try sleeper(in: child)
            #expect(try child.processes().contains(process.pid))
            #expect(try cgroup.events().populated)
            #expect(try cgroup.remove() == false)
            try cgroup.kill()
            #expect(try process.wait(block: true)?.signal == SIGKILL)
            try cgroup.destroy(within: .seconds(5))
            #expect(!Files.exists(cgroup.path))
            #expect(try cgroup.remove())
            try cgroup.destroy(within: .seconds(1))
        }
    }

    @Test func aFrozenCgroupSaysSoAndCanBeKilled() throws {
        try withCgroup { cgroup in
            let process = try sleeper(in: cgroup)
            try cgroup.freeze(true)
            // Freezing takes a moment: each process must reach a point where it can stop.
            for _ in 0..<500 where try !cgroup.events().frozen { _ = poll(nil, 0, 10) }
            #expect(try cgroup.events().frozen)
            try cgroup.kill()
            #expect(try process.wait(block: true)?.signal == SIGKILL)
        }
    }

    @Test func theDeviceProgramHoldsInTheKernel() throws {
        try withCgroup { cgroup in
            let device = try TemporaryDirectory()
            for (name, minor) in [("null", 3), ("kmsg", 11)] as [(String, UInt32)] {
                let made = mknod(device.path + "/" + name, mode_t(S_IFCHR) | 0o666, swl_makedev(1, minor))
                #expect(made == 0)
            }
            try DeviceProgram(DeviceRule.containerDefault).attach(to: cgroup)
            func result(_ command: String) throws -> Int32? {
                try sleeper(in: cgroup, command + " 2>/dev/null").wait(block: true)?.code
            }
            // The shell's own redirection goes to the host's /dev/null, which is 1:3 too.
            #expect(try result("echo x > \(device.path)/null") == 0)
            #expect(try result("exec 3< \(device.path)/kmsg") != 0)
            #expect(try result("mknod \(device.path)/disk b 8 0 && exec 3< \(device.path)/disk") != 0)
            #expect(Files.exists(device.path + "/disk"))
        }
    }

    @Test func aLimitWithoutItsControllerIsAnErrorUnlessAccepted() throws {
        try withCgroup { cgroup in
            guard !cgroup.has("memory.max") else { return }
            var limits = CgroupLimits()
            limits.memoryMax = .at(1 << 20)
            #expect(throws: SystemError.self) { try limits.apply(to: cgroup) }
            let skipped = try limits.apply(to: cgroup, unenforced: CgroupHierarchy.limiting)
            #expect(skipped == ["memory.max"])
        }
    }

    @Test func namesThatLeaveTheCgroupAreRefused() throws {
        try withCgroup { cgroup in
            #expect(throws: SystemError.self) { try cgroup.child("..", create: false) }
            #expect(throws: SystemError.self) { try cgroup.child("a/b", create: true) }
            #expect(throws: SystemError.self) { try cgroup.read("../cgroup.procs") }
        }
    }
}

import Base
import CLinux
import TestSupport
import Testing

@testable import Linux

/// Folders that are bounded on a file system of the test's own.
@Suite(.enabled(if: geteuid() == 0, "needs root"))
struct ProjectQuotaTests {
    /// The kernel can keep quotas (`quota_v2`), and there is what makes a file system with them.
    private static let isPossible =
        geteuid() == 0 && Files.exists("/sbin/mke2fs") && (try? run("/sbin/modprobe", ["-n", "-q", "quota_v2"])) != nil

    private static func run(_ program: String, _ arguments: [String]) throws {
        let exit = try Spawn(program, arguments, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]).start().wait(
            block: true)
        guard exit?.code == 0, exit?.signal == 0 else {
            throw SystemError("run", "\(program) \(arguments.joined(separator: " "))", .invalid)
        }
    }

    /// An ext4 with (or without) project quotas at /tmp/fs, seen by nobody else.
    private static func mount(quotas: Bool) throws {
        try Namespaces.mount.unshare()
        try Namespaces.makeMountsPrivate()
        try MountTree.filesystem("tmpfs", source: "x").attach(to: try .open("/tmp", O_PATH), name: "/tmp")
        try Files.replace("/tmp/disk", with: [], durable: false)
        guard truncate("/tmp/disk", 64 << 20) == 0 else { throw SystemError("truncate", "/tmp/disk", .current) }
        try run("/sbin/mke2fs", ["-q", "-t", "ext4"] + (quotas ? ["-O", "project,quota"] : []) + ["/tmp/disk"])
        try Files.makeDirectories("/tmp/fs")
        try run("/bin/mount", ["-o", quotas ? "loop,prjquota" : "loop", "/tmp/disk", "/tmp/fs"])
    }

    /// Writes as much as goes, up to 16 MiB.
    private static func fill(_ path: String) throws -> (written: Int, error: Errno?) {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o600)
        let block = [UInt8](repeating: 1, count: 64 << 10)
        var written = 0
        while written < 16 << 20 {
            do throws(SystemError) { try file.writeAll(block, name: path) } catch { return (written, error.errno) }
            written += block.count
        }
        return (written, nil)
    }

    @Test(.enabled(if: isPossible, "needs quota_v2 of the kernel, and mke2fs"))
    func aBoundedFolderHoldsWhatItMayAndNoMoreAndItsNeighboursDoNotNotice() async {
        await #expect(processExitsWith: .success) {
            try ProjectQuotaTests.mount(quotas: true)
            for name in ["a", "b", "free"] { try Files.makeDirectories("/tmp/fs/\(name)") }
            let a = try FileDescriptor.open("/tmp/fs/a", O_RDONLY)
            let b = try FileDescriptor.open("/tmp/fs/b", O_RDONLY)
            #expect(try ProjectQuota.limit(a, to: 4 << 20, name: "a"))
            #expect(try ProjectQuota.limit(b, to: 8 << 20, name: "b"))
            // Who has CAP_SYS_RESOURCE is not bounded. Overlayfs writes without it, whoever mounted it.
            let mine = try ProcessCapabilities.permitted()
            try ProcessCapabilities.set(permitted: mine, effective: mine.subtracting(CapabilitySet([.sysResource])))
            // Below it, too, and whoever makes it: what is inherited counts.
            try Files.makeDirectories("/tmp/fs/a/x/y")
            let full = try ProjectQuotaTests.fill("/tmp/fs/a/x/y/file")
            #expect(full.written >= 3 << 20 && full.written <= 4 << 20, "\(full)")
            #expect(full.error.map { [EDQUOT, ENOSPC].contains($0.rawValue) } == true, "\(full)")
            let usage = try ProjectQuota.usage(a, name: "a")
            #expect(usage?.limit == 4 << 20 && (usage?.used ?? 0) >= 3 << 20, "\(usage as Any)")
            #expect(try ProjectQuotaTests.fill("/tmp/fs/b/file").written >= 7 << 20)
            #expect(try ProjectQuotaTests.fill("/tmp/fs/free/file").error == nil)
            // Released, it is a folder as any other.
            ProjectQuota.release(a)
            #expect(try ProjectQuota.usage(a, name: "a")?.limit == 0)
            #expect(try ProjectQuotaTests.fill("/tmp/fs/a/more").error == nil)
        }
    }

    @Test func whereThereAreNoQuotasTheAnswerIsNo() async {
        await #expect(processExitsWith: .success) {
            try Namespaces.mount.unshare()
            try Namespaces.makeMountsPrivate()
            try MountTree.filesystem("tmpfs", source: "x").attach(to: try .open("/tmp", O_PATH), name: "/tmp")
            for place in ["/tmp", "/var/tmp"] {
                try Files.makeDirectories("\(place)/swiftlet-quota-\(getpid())")
                let path = "\(place)/swiftlet-quota-\(getpid())"
                let folder = try FileDescriptor.open(path, O_RDONLY)
                #expect(try ProjectQuota.limit(folder, to: 1 << 20, name: path) == false)
                #expect(try ProjectQuota.usage(folder, name: path) == nil)
                ProjectQuota.release(folder)
                #expect(rmdir(path) == 0)
            }
        }
    }
}

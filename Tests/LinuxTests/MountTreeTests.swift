import Base
import CLinux
import TestSupport
import Testing

@testable import Linux

/// Mounts of the running kernel, each in a process and namespace of its own.
@Suite(.enabled(if: geteuid() == 0, "needs root"))
struct MountTreeTests {
    @Test func bothFormsOfAnOverlayShowTheSame() async {
        await #expect(processExitsWith: .success) {
            try Namespaces.mount.unshare()
            try Namespaces.makeMountsPrivate()
            try MountTree.filesystem("tmpfs", source: "x").attach(to: try .open("/tmp", O_PATH), name: "/tmp")
            let long = "/tmp/" + String(repeating: "l,o:n\\g", count: 30)
            for form in ["layers", "classic", "long"] {
                let base = form == "long" ? long + "/" + long : "/tmp/\(form)"
                for name in ["a", "b", "u", "w"] { try Files.makeDirectories("\(base)/\(name)") }
                try Files.replace("\(base)/a/file", with: "lower".utf8, durable: false)
                try Files.replace("\(base)/b/file", with: "upper".utf8, durable: false)
                let lower = ["\(base)/b", "\(base)/a"]
                let tree =
                    form == "classic"
                    ? try MountTree.classicOverlay(lower: lower, upper: "\(base)/u", work: "\(base)/w")
                    : try MountTree.overlay(lower: lower, upper: "\(base)/u", work: "\(base)/w")
                let root = RootDirectory(tree.descriptor, name: form)
                #expect(try root.readFile("/file", limit: 10) == Array("upper".utf8), "\(form)")
                _ = try root.makeFile("/new")
                #expect(Files.exists("\(base)/u/new"))
                // Nothing is left where the classic form was made.
                #expect(!Files.exists("\(base)/u/file"))
            }
        }
    }

    @Test func anOverlayIsNeverSyncedAndItsFoldersServeOnce() async {
        await #expect(processExitsWith: .success) {
            try MountTreeTests.doAnOverlayIsNeverSyncedAndItsFoldersServeOnce()
        }
    }

    private static func doAnOverlayIsNeverSyncedAndItsFoldersServeOnce() throws {
        try Namespaces.mount.unshare()
        try Namespaces.makeMountsPrivate()
        try MountTree.filesystem("tmpfs", source: "x").attach(to: try .open("/tmp", O_PATH), name: "/tmp")
        for form in ["layers", "classic"] {
            for name in ["l", "u", "w", "m"] { try Files.makeDirectories("/tmp/\(form)/\(name)") }
            func mount() throws -> MountTree {
                let (lower, upper, work) = (["/tmp/\(form)/l"], "/tmp/\(form)/u", "/tmp/\(form)/w")
                if form == "classic" { return try MountTree.classicOverlay(lower: lower, upper: upper, work: work) }
                return try MountTree.overlay(lower: lower, upper: upper, work: work)
            }
            try mount().attach(to: try .open("/tmp/\(form)/m", O_PATH), name: form)
            let line = try Files.readText("/proc/thread-self/mountinfo", limit: 16 << 20).split(separator: "\n")
                .last { $0.contains(" /tmp/\(form)/m ") }
            // Newer kernels say `fsync=volatile`.
            #expect(line?.hasSuffix("volatile") == true, "\(line ?? "")")
            #expect(umount2("/tmp/\(form)/m", 0) == 0)
            let error = #expect(throws: SystemError.self) { _ = try mount() }
            #expect(error?.errno == .invalid)
            try Files.removeTree("/tmp/\(form)/w")
            try Files.makeDirectories("/tmp/\(form)/w")
            _ = try mount()
        }
    }

    @Test func anOverlaysFailureNamesTheReason() async {
        await #expect(processExitsWith: .success) {
            try Namespaces.mount.unshare()
            try Namespaces.makeMountsPrivate()
            let error = #expect(throws: SystemError.self) {
                _ = try MountTree.overlay(lower: ["/no/layer"], upper: "/no/upper", work: "/no/work")
            }
            #expect(error?.errno == .noEntry)
        }
    }

    @Test func aProtectedProgramCannotBeWrittenThroughItsProcess() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryDirectory()
            try folder.write("program", try Files.read("/bin/sleep"))
            let path = folder.path + "/program"
            #expect(chmod(path, 0o755) == 0)
            var spawn = Spawn(path, ["1000"])
            spawn.executable = try ProtectedExecutable.open(path)
            let child = try spawn.start()
            // The parent goes on a moment before the child's program is what /proc shows.
            let link = "/proc/\(child.pid)/exe"
            var (found, program) = (stat(), stat())
            try #require(stat(path, &program) == 0)
            for _ in 0..<2000 where found.st_ino != program.st_ino {
                if stat(link, &found) != 0 || found.st_ino != program.st_ino { poll(nil, 0, 5) }
            }
            // While it runs the file is busy for everybody; the attack waits for its end.
            let image = try FileDescriptor.open(link, O_PATH)
            try child.send(SIGKILL)
            _ = try child.wait(block: true)
            let opened = swl_open("/proc/self/fd/\(image.raw)", O_WRONLY, 0)
            let refusal = Errno.current
            #expect(opened == -1 && refusal == .readOnly, "\(refusal)")
            let direct = swl_open(path, O_WRONLY, 0)
            #expect(direct >= 0)
        }
    }

    @Test func theKernelIsProbed() async {
        await #expect(processExitsWith: .success) {
            let found = KernelFeatures.probe()
            #expect(found.release.contains("."))
            #expect(found.complaints.isEmpty)
        }
    }
}

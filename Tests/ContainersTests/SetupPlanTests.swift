import Base
import CLinux
import Linux
import OCI
import Testing

@testable import Containers

/// Plans and their interpretation, against a recorder instead of the kernel.
@Suite struct SetupPlanTests {
    private func spec() -> RuntimeSpec {
        RuntimeSpec(mounts: [
            .init(destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
            .init(destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755"]),
        ])
    }

    private func calls(
        _ spec: RuntimeSpec, root: RootFilesystem = .overlay(lower: ["/b", "/a"], upper: "/u", work: "/w"),
        _ prepare: (inout RecordingKernel) -> Void = { _ in }
    ) throws -> [String] {
        var kernel = RecordingKernel()
        prepare(&kernel)
        var interpreter = SetupInterpreter(kernel)
        let plan = try SetupPlan(spec, root: root)
        try interpreter.run(plan.steps)
        interpreter.kernel.calls.append("--")
        try interpreter.run(plan.finalSteps)
        return interpreter.kernel.calls
    }

    @Test func theRootIsBuiltDetachedAndEnteredLast() throws {
        #expect(
            try calls(spec()) == [
                "isolate", "overlay /b:/a /u /w -> m1", "attach root m1",
                "proc() 0xe -> m2", "make /proc folder, links refused", "attach m2 to /proc",
                "tmpfs(mode=755) 0x22 -> m3",
                "node m3 /null c 1:3", "node m3 /zero c 1:5", "node m3 /full c 1:7", "node m3 /random c 1:8",
                "node m3 /urandom c 1:9", "node m3 /tty c 5:0",
                "link m3 /fd to /proc/self/fd", "link m3 /stdin to /proc/self/fd/0",
                "link m3 /stdout to /proc/self/fd/1", "link m3 /stderr to /proc/self/fd/2", "link m3 /ptmx to pts/ptmx",
                "make /dev folder", "attach m3 to /dev", "pivot", "--",
            ])
    }

    @Test func sourcesAreTakenBeforeTheNamespaceIsCutOff() throws {
        var spec = spec()
        spec.mounts.append(.init(destination: "/data", type: "bind", source: "/host", options: ["rbind", "ro"]))
        spec.mounts.append(.init(destination: "/conf", type: "bind", source: "/file", options: ["bind", "rslave"]))
        let calls = try calls(spec) {
            $0.files = ["/file"]
            $0.shared = ["/file"]
        }
        #expect(Array(calls[..<4]) == ["bind /host recursive -> m1", "bind /file -> m2", "shared? /file", "isolate"])
        #expect(calls.contains("change m1 +0x1 -0x0"))
        #expect(calls.contains("change m1 +0x0 -0x0 private recursive"))
        #expect(calls.contains("change m2 +0x0 -0x0 slave recursive"))
        #expect(calls.contains("make /data folder") && calls.contains("make /conf file"))
    }

    @Test func propagationNeedsASharedSource() throws {
        var spec = spec()
        spec.mounts.append(.init(destination: "/d", type: "bind", source: "/host", options: ["rbind", "rshared"]))
        #expect(throws: ContainerError.self) { try calls(spec) }
        #expect(try calls(spec) { $0.shared = ["/host"] }.contains("change m1 +0x0 -0x0 shared recursive"))
    }

    @Test func masksShareOneEmptyFolder() throws {
        var spec = spec()
        spec.linux.maskedPaths = ["/proc/a", "/proc/file", "/proc/missing", "/proc/b"]
        spec.linux.readonlyPaths = ["/proc/sys", "/proc/missing"]
        spec.root.readonly = true
        spec.linux.rootfsPropagation = "rslave"
        let calls = try calls(spec) {
            $0.files = ["/proc/file"]
            $0.missing = ["/proc/missing"]
        }
        let start = try #require(calls.firstIndex(of: "find /proc/sys"))
        #expect(
            Array(calls[start...]) == [
                "find /proc/sys", "bind target /proc/sys recursive -> m4", "change m4 +0x1 -0x0 recursive",
                "attach m4 to /proc/sys", "find /proc/missing",
                "find /proc/a", "tmpfs(size=4k,nr_inodes=2,mode=0555) 0xf -> m5", "attach m5 to /proc/a",
                "find /proc/a",
                "find /proc/file", "null -> m6", "attach m6 to /proc/file",
                "find /proc/missing",
                "find /proc/b", "bind target /proc/a -> m7", "attach m7 to /proc/b",
                "pivot", "--", "change m1 +0x1 -0x0", "change m1 +0x0 -0x0 slave",
            ])
    }

    @Test func aFailingStepSaysWhatToDo() throws {
        let error = #expect(throws: ContainerError.self) {
            try calls(spec()) { $0.failures = ["make /proc": .loop] }
        }
        #expect(error?.description.contains("symbolic link") == true)
        let other = #expect(throws: ContainerError.self) {
            try calls(spec()) { $0.failures = ["overlay": .noEntry] }
        }
        #expect(other?.hint == "a layer, upper or work folder is missing")
    }

    @Test func devicesOfTheSpecReplaceTheUsualOnes() throws {
        var spec = spec()
        spec.linux.devices = [.init(path: "/dev/null", kind: .character, major: 1, minor: 5)]
        let calls = try calls(spec)
        #expect(calls.filter { $0.contains("/null") } == ["node m3 /null c 1:5"])
        spec.linux.devices = [.init(path: "/etc/x", kind: .character, major: 1, minor: 5)]
        #expect(throws: ContainerError.self) { try SetupPlan(spec, root: .directory("/x")) }
    }

    @Test(arguments: ["rprivate", "relatime", "nosuid,nodev,noexec,ro,rro,rbind,nosymfollow,noatime,defaults"])
    func knownOptionsAreTaken(_ options: String) throws {
        _ = try MountOptions(
            .init(
                destination: "/x", type: "bind", source: "/y", options: options.split(separator: ",").map(String.init)))
    }

    @Test(arguments: ["size=1", "idmap", "tmpcopyup", "rbogus"])
    func unknownOptionsOfABindAreRefused(_ option: String) {
        #expect(throws: ContainerError.self) {
            try MountOptions(.init(destination: "/x", type: "bind", source: "/y", options: [option]))
        }
    }

    @Test func laterOptionsWin() throws {
        let options = try MountOptions(
            .init(destination: "/x", type: "bind", source: "/y", options: ["ro", "rw", "noexec"]))
        #expect(options.set == .noExecute && options.clear == .readOnly)
    }
}

/// Notes each call. Mounts are `m1`, `m2` ...; targets their paths.
private struct RecordingKernel: SetupKernel {
    var calls: [String] = []
    var files: Set<String> = []
    var missing: Set<String> = []
    var shared: Set<String> = []
    /// By the call's beginning.
    var failures: [String: Errno] = [:]
    private var count = 0
    private var sources: [String: String] = [:]

    private mutating func note(_ call: String) throws(SystemError) {
        for (start, errno) in failures where call.hasPrefix(start) { throw SystemError(call, "", errno) }
        calls.append(call)
    }

    private mutating func mount(_ call: String, source: String = "") throws(SystemError) -> String {
        let name = "m\(count + 1)"
        try note("\(call) -> \(name)")
        count += 1
        sources[name] = source
        return name
    }

    mutating func bind(_ source: String, recursive: Bool) throws(SystemError) -> String {
        try mount("bind \(source)\(recursive ? " recursive" : "")", source: source)
    }

    struct Target { var path: String }

    mutating func bind(_ target: Target, recursive: Bool) throws(SystemError) -> String {
        try mount("bind target \(target.path)\(recursive ? " recursive" : "")")
    }
    mutating func overlay(lower: [String], upper: String, work: String) throws(SystemError) -> String {
        try mount("overlay \(lower.joined(separator: ":")) \(upper) \(work)")
    }
    mutating func filesystem(
        _ type: String, source: String, options: [FilesystemOption], attributes: MountAttributes
    ) throws(SystemError) -> String {
        let list = options.map(\.description).joined(separator: ",")
        return try mount("\(type)(\(list)) 0x\(String(attributes.rawValue, radix: 16))")
    }
    mutating func change(
        _ mount: String, set: MountAttributes, clear: MountAttributes, propagation: MountPropagation?, recursive: Bool
    ) throws(SystemError) {
        let bits = "+0x\(String(set.rawValue, radix: 16)) -0x\(String(clear.rawValue, radix: 16))"
        let travel = propagation.map { " \($0)" } ?? ""
        try note("change \(mount) \(bits)\(travel)\(recursive ? " recursive" : "")")
    }
    mutating func isShared(_ source: String, bothWays: Bool) throws(SystemError) -> Bool {
        try note("shared? \(source)")
        return shared.contains(source)
    }
    mutating func isolate() throws(SystemError) { try note("isolate") }
    mutating func makeNode(in mount: String, _ device: RuntimeDevice) throws(SystemError) {
        try note("node \(mount) \(device.path) \(device.kind.rawValue) \(device.major):\(device.minor)")
    }
    mutating func makeLink(in mount: String, _ path: String, to target: String) throws(SystemError) {
        try note("link \(mount) \(path) to \(target)")
    }
    mutating func attachRoot(_ mount: String) throws(SystemError) { try note("attach root \(mount)") }
    func isDirectory(_ mount: String) -> Bool { !files.contains(sources[mount] ?? "") }
    func isDirectory(_ target: Target) -> Bool { !files.contains(target.path) && target.path != "/conf" }
    func isProcfs(_ mount: String) -> Bool { false }
    func isProcfs(_ target: Target) -> Bool { target.path.hasPrefix("/proc") }
    mutating func find(_ path: String, links: RootDirectory.Links) throws(SystemError) -> Target? {
        try note("find \(path)")
        return missing.contains(path) ? nil : Target(path: path)
    }
    mutating func make(_ path: String, directory: Bool, links: RootDirectory.Links) throws(SystemError) -> Target {
        try note("make \(path) \(directory ? "folder" : "file")\(links == .refuse ? ", links refused" : "")")
        return Target(path: path)
    }
    mutating func attach(_ mount: String, to target: Target) throws(SystemError) {
        try note("attach \(mount) to \(target.path)")
    }
    mutating func bindNull() throws(SystemError) -> String { try mount("null") }
    mutating func pivot() throws(SystemError) { try note("pivot") }
}

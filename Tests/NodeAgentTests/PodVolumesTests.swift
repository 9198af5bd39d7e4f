import Base
import CLinux
import Kube
import Linux
import OCI
import PodRuntime
import TestSupport
import Testing

@testable import NodeAgent

/// Runs `body` in a mount namespace of its own, from which nothing gets out.
private func inPrivateMounts(_ body: () throws -> Void) throws {
    try retrying("unshare", "the mount namespace") { swl_unshare(CLONE_NEWNS) }
    try retrying("mount", "/ private") { mount("none", "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil) }
    try body()
}

/// A pod's folders below a temporary folder.
private struct Fixture {
    let folder: TemporaryDirectory
    let volumes: PodVolumes
    let directory: PodDirectory
    let node = NodeFacts(
        name: "n", addresses: ["192.0.2.1"], memoryCapacity: 1 << 30, allocatableMilliCPU: 1000,
        allocatableMemory: 512 << 20)

    init() throws {
        folder = try TemporaryDirectory()
        volumes = PodVolumes(pods: folder.path + "/pods", journal: folder.path + "/run/mounts")
        directory = try #require(PodDirectory(root: volumes.pods, uid: "u-1"))
    }

    func context(_ spec: PodSpec) -> PodContext {
        PodContext(
            pod: Pod(metadata: ObjectMeta(name: "p", namespace: "ns", uid: "u-1"), spec: spec), directory: directory,
            node: node, podIPs: [], names: PodNames(host: "p"), logs: folder.path + "/logs")
    }

    func prepare(
        _ spec: PodSpec, objects: DataObjects = DataObjects(), isNew: Bool = false
    ) throws(VolumeError) -> [String: String] {
        let context = context(spec)
        let files = PodFiles(context, nodeHosts: "hosts\n", nodeResolvConf: "nameserver 192.0.2.53\n")
        return try volumes.prepare(context.pod, directory, files: files, node: node, objects: objects, isNew: isNew)
    }

    /// A pod without a tmpfs, for tests without root.
    static func plain(_ volumes: [Volume]) -> PodSpec {
        var spec = PodSpec(containers: [Container(name: "c", image: "i")])
        spec.hostIPC = true
        spec.volumes = volumes
        return spec
    }
}

private func mode(_ path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
}

@Suite struct PodVolumesTests {
    @Test func thePodsFolderHasTheKubeletsModesWhateverTheUmask() async {
        await #expect(processExitsWith: .success) {
            umask(0o077)
            let fixture = try Fixture()
            let places = try fixture.prepare(Fixture.plain([Volume(name: "data", emptyDir: EmptyDirVolumeSource())]))
            let (directory, data) = (fixture.directory, fixture.directory.emptyDir("data"))
            #expect(places == ["data": data])
            #expect(mode(directory.path) == 0o750)
            #expect(mode(directory.volumes) == 0o750)
            #expect(mode(data) == 0o777)
            #expect(mode(directory.etcHosts) == 0o644)
            #expect(try Files.readText(directory.hostname) == "p")
            #expect(try Files.readText(directory.resolvConf) == "nameserver 192.0.2.53")
            #expect(!Files.exists(directory.sharedMemory))
        }
    }

    @Test func preparingAgainKeepsWhatTheVolumeHolds() throws {
        let fixture = try Fixture()
        let spec = Fixture.plain([Volume(name: "data", emptyDir: EmptyDirVolumeSource())])
        let first = try fixture.prepare(spec)
        #expect(chmod(fixture.directory.emptyDir("data"), 0o700) == 0)
        let file = try #require(first["data"]) + "/file"
        try Files.replace(file, with: Array("x".utf8), durable: false)
        #expect(try fixture.prepare(spec) == first)
        #expect(try Files.readText(file) == "x")
        #expect(mode(fixture.directory.emptyDir("data")) == 0o700)
    }

    @Test func anEmptyDirWhoseLimitNothingKeepsIsNamed() throws {
        let fixture = try Fixture()
        func volume(_ name: String, _ size: Int64?, _ medium: StorageMedium = .default) -> Volume {
            Volume(name: name, emptyDir: EmptyDirVolumeSource(medium: medium, sizeLimit: size.map { Quantity($0) }))
        }
        // As in the kubelet 0 is no limit; one in memory is the file system's own.
        let spec = Fixture.plain([volume("free", nil), volume("zero", 0), volume("small", 1 << 20)])
        _ = try fixture.prepare(spec)
        var pod = fixture.context(spec).pod
        pod.spec.volumes.append(volume("memory", 1 << 20, .memory))
        let path = fixture.directory.emptyDir("small")
        let folder = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        let hasQuota = try ProjectQuota.usage(folder, name: path) != nil
        #expect(fixture.volumes.unboundedVolumes(pod, fixture.directory) == (hasQuota ? [] : ["small"]))
        // What an earlier try has left half made is made anew.
        try Files.removeTree(path)
        try Files.makeDirectories(path + ".new/left")
        _ = try fixture.prepare(spec)
        #expect(try Files.list(path) == [] && !Files.exists(path + ".new"))
        try fixture.volumes.remove(fixture.directory)
        #expect(!Files.exists(fixture.directory.path))
    }

    @Test func aVolumeThatFailsIsNamedInTheKubeletsWords() throws {
        let fixture = try Fixture()
        let spec = Fixture.plain([
            Volume(name: "conf", hostPath: HostPathVolumeSource(path: "/none/such", type: .directory))
        ])
        let error = #expect(throws: VolumeError.self) { try fixture.prepare(spec) }
        #expect(
            error?.description == "MountVolume.SetUp failed for volume \"conf\" : "
                + "hostPath type check failed: /none/such is not a directory")
    }

    @Test(arguments: ["../../etc", "a/b", "..", ""])
    func aVolumeNameNeverLeavesThePodsFolder(name: String) throws {
        let fixture = try Fixture()
        #expect(throws: VolumeError.self) {
            try fixture.prepare(Fixture.plain([Volume(name: name, emptyDir: EmptyDirVolumeSource())]))
        }
        #expect(try Files.list(fixture.directory.volumes) == [])
    }

    @Test func anAttemptHasALayerOfItsOwnAndANewMessageFile() throws {
        let fixture = try Fixture()
        _ = try fixture.prepare(Fixture.plain([]))
        try Files.makeDirectories(fixture.folder.path + "/layer")
        #expect(chmod(fixture.folder.path + "/layer", 0o711) == 0)
        var image = ImageConfig()
        image.cmd = ["x"]
        let builder = ContainerSpecBuilder(fixture.context(Fixture.plain([])))
        func prepare(_ attempt: Int) throws -> ContainerPlan {
            let plan = try builder.plan(
                Container(name: "c", image: "i"), image: image, layers: [fixture.folder.path + "/layer"],
                attempt: attempt)
            #expect(try fixture.volumes.prepare(plan, fixture.directory))
            return plan
        }
        let first = try prepare(0)
        #expect(mode(first.upper) == 0o711)
        #expect(Files.isDirectory(first.work) && Files.isDirectory(Path.parent(first.logPath)))
        let log = fixture.directory.terminationLog("c")
        #expect(mode(log) == 0o666)
        #expect(fixture.volumes.terminationMessage("c", fixture.directory) == nil)
        let held = try FileDescriptor.open(log, O_WRONLY)
        try held.writeAll(Array(repeating: UInt8(ascii: "x"), count: 5000) + Array("end".utf8))
        let message = fixture.volumes.terminationMessage("c", fixture.directory)
        #expect(message?.utf8.count == 4096 && message?.hasSuffix("xend") == true)

        let second = try prepare(1)
        #expect(second.upper != first.upper)
        try held.writeAll("late".utf8)
        #expect(fixture.volumes.terminationMessage("c", fixture.directory) == nil)
        try fixture.volumes.removeAttempt("c", 0, fixture.directory)
        #expect(!Files.exists(first.attemptFolder) && Files.exists(second.upper))
    }

    @Test func aStartHasANewLayerWhateverAnEarlierOneOfItsNumberLeft() throws {
        let fixture = try Fixture()
        _ = try fixture.prepare(Fixture.plain([]))
        let builder = ContainerSpecBuilder(fixture.context(Fixture.plain([])))
        func prepare(_ name: String, _ attempt: Int) throws -> ContainerPlan {
            var container = Container(name: name, image: "i")
            container.command = ["x"]
            let plan = try builder.plan(container, image: ImageConfig(), layers: [], attempt: attempt)
            #expect(try fixture.volumes.prepare(plan, fixture.directory))
            return plan
        }
        let first = try prepare("c", 0)
        try Files.makeDirectories(first.work + "/work/incompat/volatile")
        try Files.replace(first.upper + "/file", with: "old".utf8, durable: false)
        _ = try prepare("c", 0)
        #expect(try Files.list(first.upper) == [])
        #expect(try Files.list(first.work) == [])

        // A sandbox that is taken up again keeps what runs in it, a new one has nothing of those before.
        let other = try prepare("d", 3)
        _ = try fixture.prepare(Fixture.plain([]))
        #expect(Files.isDirectory(first.upper) && Files.isDirectory(other.upper))
        _ = try fixture.prepare(Fixture.plain([]), isNew: true)
        #expect(!Files.exists(first.attemptFolder) && !Files.exists(other.attemptFolder))
        #expect(Files.exists(fixture.directory.terminationLog("c")))
    }

    @Test func theSweepRemovesUnknownPodsOnly() throws {
        let fixture = try Fixture()
        _ = try fixture.prepare(Fixture.plain([Volume(name: "data", emptyDir: EmptyDirVolumeSource())]))
        try Files.makeDirectories(fixture.volumes.pods + "/old/volumes/x")
        #expect(fixture.volumes.sweep(known: ["u-1"]) == [])
        #expect(try Files.list(fixture.volumes.pods) == ["u-1"])
        #expect(fixture.volumes.sweep(known: []) == [])
        #expect(try Files.list(fixture.volumes.pods) == [])
    }

    @Test func theJournalNamesOnlyPathsOfItsPod() throws {
        let fixture = try Fixture()
        let journal = fixture.volumes.journal
        try journal.record(fixture.directory.sharedMemory, of: fixture.directory)
        try journal.record(fixture.directory.sharedMemory, of: fixture.directory)
        // A torn line, and paths that someone else wrote.
        let file = try FileDescriptor.open(journal.folder + "/u-1", O_WRONLY | O_APPEND)
        try file.writeAll("/etc\n\(fixture.directory.path)/../../etc\n\(fixture.directory.path)/vol".utf8)
        try journal.record(fixture.directory.emptyDir("m"), of: fixture.directory)
        #expect(
            try journal.entries(of: fixture.directory) == [
                fixture.directory.sharedMemory, fixture.directory.path + "/vol", fixture.directory.emptyDir("m"),
            ])
        #expect(try journal.pods() == ["u-1"])
    }

    @Test(
        arguments: [(nil, nil, 512 << 20), ("100Mi", nil, 100 << 20), ("100Mi", "64Mi", 64 << 20)]
            as [(
                String?, String?, Int64
            )])
    func aMemoryVolumeIsAsLargeAsTheSmallestOfItsLimits(own: String?, pod: String?, size: Int64) throws {
        let fixture = try Fixture()
        var spec = Fixture.plain([])
        if let pod { spec.containers[0].resources.limits["memory"] = Quantity(pod) }
        let emptyDir = EmptyDirVolumeSource(medium: .memory, sizeLimit: own.flatMap { Quantity($0) })
        #expect(PodVolumes.memorySize(emptyDir, spec, fixture.node) == size)
    }
}

@Suite(.enabled(if: geteuid() == 0, "needs root")) struct PodVolumesMountTests {
    @Test func memoryVolumesAreMountedOnceLimitedAndUnmountedOnRemoval() async {
        await #expect(processExitsWith: .success) {
            try inPrivateMounts {
                let fixture = try Fixture()
                var spec = Fixture.plain([
                    Volume(
                        name: "mem", emptyDir: EmptyDirVolumeSource(medium: .memory, sizeLimit: Quantity(1 << 20)))
                ])
                spec.hostIPC = false
                let places = try fixture.prepare(spec)
                let path = try #require(places["mem"])
                #expect(MountJournal.isMount(path) && MountJournal.isMount(fixture.directory.sharedMemory))
                #expect(mode(path) == 0o777)
                #expect(mode(fixture.directory.sharedMemory) == 0o1777)
                try Files.replace(path + "/kept", with: Array("x".utf8), durable: false)
                let error = #expect(throws: SystemError.self) {
                    try Files.replace(path + "/big", with: [UInt8](repeating: 1, count: 2 << 20), durable: false)
                }
                #expect(error?.errno == .noSpace)
                var shm = statfs()
                #expect(statfs(fixture.directory.sharedMemory, &shm) == 0)
                #expect(Int64(shm.f_blocks) * Int64(shm.f_bsize) == 64 << 20)

                #expect(try fixture.prepare(spec) == places)
                #expect(try Files.readText(path + "/kept") == "x")

                try fixture.volumes.remove(fixture.directory)
                #expect(!Files.exists(fixture.directory.path))
                #expect(try fixture.volumes.journal.pods() == [])
                #expect(!(try Files.readText("/proc/self/mountinfo", limit: 4 << 20)).contains(fixture.folder.path))
            }
        }
    }

    @Test func aPartOfAVolumeIsWhatWasOpenedAndIsBoundAnewForEachAttempt() async {
        await #expect(processExitsWith: .success) {
            try inPrivateMounts {
                let fixture = try Fixture()
                var spec = Fixture.plain([Volume(name: "data", emptyDir: EmptyDirVolumeSource())])
                var container = Container(name: "c", image: "i")
                container.command = ["x"]
                container.volumeMounts = [
                    VolumeMount(name: "data", mountPath: "/a", subPath: "part"),
                    VolumeMount(name: "data", mountPath: "/f", subPath: "file"),
                ]
                spec.containers = [container]
                var context = fixture.context(spec)
                context.volumes = try fixture.prepare(spec)
                let data = fixture.directory.emptyDir("data")
                try Files.replace(data + "/file", with: Array("one".utf8), durable: false)
                func attempt(_ n: Int) throws(any Error) -> [String] {
                    let plan = try ContainerSpecBuilder(context).plan(
                        container, image: ImageConfig(), layers: [], attempt: n)
                    #expect(try fixture.volumes.prepare(plan, fixture.directory))
                    return plan.spec.mounts.filter { ["/a", "/f"].contains($0.destination) }.map(\.source)
                }
                let sources = try attempt(0)
                #expect(sources == (0...1).map { fixture.directory.subPath(volume: "data", container: "c", index: $0) })
                try Files.replace(sources[0] + "/x", with: Array("in".utf8), durable: false)
                #expect(try Files.readText(data + "/part/x") == "in")
                #expect(try Files.readText(sources[1]) == "one")

                // The container moves its folder away, puts a link to the host there and another file.
                #expect(rename(data + "/part", data + "/moved") == 0)
                #expect(symlink("/etc", data + "/part") == 0)
                #expect(throws: VolumeError.self) { try attempt(1) }
                #expect(unlink(data + "/part") == 0)
                try Files.replace(data + "/file", with: Array("two".utf8), durable: false)
                _ = try attempt(1)
                #expect(try Files.list(sources[0]) == [])
                #expect(try Files.readText(sources[1]) == "two")

                try fixture.volumes.remove(fixture.directory)
                #expect(!(try Files.readText("/proc/self/mountinfo", limit: 4 << 20)).contains(fixture.folder.path))
            }
        }
    }

    @Test func aCrashBetweenRecordAndMountIsSweptAndAForeignMountIsLeftAlone() async {
        await #expect(processExitsWith: .success) {
            try inPrivateMounts {
                let fixture = try Fixture()
                _ = try fixture.prepare(Fixture.plain([]))
                try fixture.volumes.journal.record(fixture.directory.emptyDir("never"), of: fixture.directory)
                try fixture.folder.write("outside/file", "keep")
                let foreign = fixture.directory.path + "/foreign"
                try Files.makeDirectories(foreign)
                try retrying("mount", foreign) {
                    mount(fixture.folder.path + "/outside", foreign, nil, UInt(MS_BIND), nil)
                }
                #expect(fixture.volumes.sweep(known: []).count == 1)
                #expect(try Files.readText(foreign + "/file") == "keep")
                #expect(umount2(foreign, 0) == 0)
                #expect(fixture.volumes.sweep(known: []) == [])
                #expect(!Files.exists(fixture.directory.path))
            }
        }
    }

    private static func secret(_ value: String) -> DataObjects {
        DataObjects([
            DataObject(
                .secret, ObjectMeta(name: "s", namespace: "ns"), data: ["key": Array(value.utf8)])
        ])
    }

    @Test func volumesAreTheGroupsFromTheMomentTheyAreThereAndWhatTheAgentWritesIsReadableToIt() async {
        await #expect(processExitsWith: .success) {
            try inPrivateMounts {
                umask(0o077)
                let fixture = try Fixture()
                let files = ProjectedFiles(
                    .secret,
                    [.init(data: .init(.secret, name: "s", items: [KeyToPath(key: "key", path: "deep/key")]))],
                    defaultMode: 0o400)
                var spec = Fixture.plain([
                    Volume(name: "disk", emptyDir: EmptyDirVolumeSource()),
                    Volume(name: "mem", emptyDir: EmptyDirVolumeSource(medium: .memory)),
                    Volume(name: "files", files: files),
                    Volume(name: "host", hostPath: HostPathVolumeSource(path: fixture.folder.path + "/host")),
                ])
                spec.securityContext.fsGroup = 4321
                let places = try fixture.prepare(spec, objects: Self.secret("one"))
                func look(_ path: String) -> String {
                    var status = stat()
                    guard stat(path, &status) == 0 else { return "nothing" }
                    return "\(status.st_uid):\(status.st_gid) \(String(status.st_mode & 0o7777, radix: 8))"
                }
                let (disk, memory) = (try #require(places["disk"]), try #require(places["mem"]))
                #expect(look(disk) == "0:4321 2777")
                #expect(look(memory) == "0:4321 2777")
                let path = try #require(places["files"])
                #expect(look(path) == "0:4321 2755")
                #expect(look(path + "/deep") == "0:4321 2755")
                #expect(look(path + "/deep/key") == "0:4321 440")
                #expect(look(fixture.folder.path + "/host").hasPrefix("0:0 "), "a hostPath is nobody's to change")

                // What runs has it in use: it is left as it is, and nothing is written again.
                #expect(chmod(disk, 0o700) == 0 && chown(disk, 7, 8) == 0)
                let before = try Files.list(path)
                #expect(try fixture.prepare(spec, objects: Self.secret("one")) == places)
                #expect(look(disk) == "7:8 700")
                #expect(try Files.list(path) == before)
                let pod = fixture.context(spec).pod
                let failures = fixture.volumes.update(
                    pod, fixture.directory, node: fixture.node, objects: Self.secret("two"))
                #expect(failures == [])
                #expect(try Files.readText(path + "/deep/key") == "two" && look(path + "/deep/key") == "0:4321 440")
                try fixture.volumes.remove(fixture.directory)
            }
        }
    }

    @Test func aSecretIsInMemoryOnlyFollowsItsChangesAndStaysWhenItGoes() async {
        await #expect(processExitsWith: .success) {
            try inPrivateMounts {
                let fixture = try Fixture()
                let files = ProjectedFiles(.secret, [.init(data: .init(.secret, name: "s"))], defaultMode: 0o400)
                let spec = Fixture.plain([Volume(name: "v", files: files)])
                let error = #expect(throws: VolumeError.self) { try fixture.prepare(spec) }
                #expect(
                    error?.description == "MountVolume.SetUp failed for volume \"v\" : secret \"s\" not found")
                let places = try fixture.prepare(spec, objects: Self.secret("one"))
                let path = fixture.directory.files("v", .secret)
                #expect(places == ["v": path] && path.hasSuffix("/volumes/kubernetes.io~secret/v"))
                #expect(MountJournal.isMount(path))
                #expect(try Files.readText(path + "/key") == "one")
                let pod = fixture.context(spec).pod
                func update(_ objects: DataObjects) -> [String] {
                    fixture.volumes.update(pod, fixture.directory, node: fixture.node, objects: objects)
                        .map(\.description)
                }
                #expect(update(Self.secret("two")) == [])
                #expect(try Files.readText(path + "/key") == "two")
                let words = "MountVolume.SetUp failed for volume \"v\" : secret \"s\" not found"
                #expect(update(DataObjects()) == [words])
                #expect(try fixture.prepare(spec) == places, "a new agent that does not know it yet")
                #expect(try Files.readText(path + "/key") == "two")

                // Without its tmpfs nothing is written: the folder below is on a disk.
                try fixture.volumes.unmount(fixture.directory)
                #expect(update(Self.secret("three")).count == 1)
                #expect(try Files.list(path) == [])
                try fixture.volumes.remove(fixture.directory)
                #expect(!Files.exists(fixture.directory.path))
            }
        }
    }
}

import Base
import CLinux
import Kube
import Linux
import PodRuntime
import TestSupport
import Testing

@testable import NodeAgent

/// Volumes that show the files of images, below a temporary folder, in a mount namespace of their own.
@Suite(.enabled(if: geteuid() == 0, "needs root")) struct ImageVolumesTests {
    private struct Fixture {
        let folder: TemporaryDirectory
        let volumes: PodVolumes
        let directory: PodDirectory

        init() throws {
            try retrying("unshare", "the mount namespace") { swl_unshare(CLONE_NEWNS) }
            try retrying("mount", "/ private") { mount("none", "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil) }
            folder = try TemporaryDirectory()
            volumes = PodVolumes(pods: folder.path + "/pods", journal: folder.path + "/run/mounts")
            directory = try #require(PodDirectory(root: volumes.pods, uid: "u-1"))
            try folder.write("low/etc/gone", "gone")
            try folder.write("low/program", "#!/bin/sh\n")
            #expect(chmod(folder.path + "/low/program", 0o4755) == 0)
            try folder.write("top/etc/new", "new")
            #expect(mknod(folder.path + "/top/etc/gone", mode_t(S_IFCHR), 0) == 0)
        }

        func image(_ layers: String...) -> VolumeImage {
            VolumeImage(id: "sha256:1", layers: layers.map { folder.path + "/" + $0 })
        }
    }

    @Test func layersAreOneTreeThatNobodyCanWriteToExecuteOrMakeWritable() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            try fixture.volumes.mount(fixture.image("top", "low"), volume: "v", of: fixture.directory)
            let path = fixture.directory.image("v")
            #expect(try Files.list(path).sorted() == ["etc", "program"])
            #expect(try Files.list(path + "/etc") == ["new"])
            var status = statvfs()
            #expect(statvfs(path, &status) == 0)
            let flags = UInt(ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC)
            #expect(UInt(status.f_flag) & flags == flags)
            // Also not for who may mount: there is nothing below it to write to.
            #expect(mount(nil, path, nil, UInt(MS_REMOUNT) | UInt(MS_BIND), nil) == 0)
            let error = #expect(throws: SystemError.self) {
                _ = try FileDescriptor.open(path + "/x", O_WRONLY | O_CREAT, mode: 0o600).raw
            }
            #expect(error?.errno == .readOnly)
            #expect(mount(nil, path, nil, UInt(MS_REMOUNT), nil) != 0)
        }
    }

    @Test func theMarkOfARemovedFileIsNoFileInASingleLayerEither() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            try fixture.volumes.mount(fixture.image("top"), volume: "v", of: fixture.directory)
            #expect(try Files.readText(fixture.directory.image("v") + "/etc/new") == "new")
            #expect(!Files.exists(fixture.directory.image("v") + "/etc/gone"))
        }
    }

    @Test func kernelsBefore65ShowTheSame() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let path = fixture.folder.path + "/place"
            try Files.makeDirectories(path)
            let target = try FileDescriptor.open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW)
            try MountTree.mountLayersClassically(fixture.image("top", "low").layers + [path], on: target, name: path)
            #expect(try Files.list(path + "/etc") == ["new"])
            var status = statvfs()
            #expect(statvfs(path, &status) == 0)
            let flags = UInt(ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC)
            #expect(UInt(status.f_flag) & flags == flags)
            #expect(mount(nil, path, nil, UInt(MS_REMOUNT), nil) != 0)
        }
    }

    @Test func theNextAgentKnowsWhatIsMountedAndWhatIsNoMoreIsForgotten() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let (volumes, directory) = (fixture.volumes, fixture.directory)
            #expect(volumes.mountedImages(directory).isEmpty)
            try volumes.mount(fixture.image("low"), volume: "v", of: directory)
            // Another image in its place, and one that cannot be mounted.
            let second = fixture.image("top", "low")
            try volumes.mount(second, volume: "v", of: directory)
            #expect(throws: VolumeError.self) {
                try volumes.mount(fixture.image("none"), volume: "w", of: directory)
            }
            #expect(volumes.mountedImages(directory) == ["v": second])
            #expect(volumes.imageLayers() == Set(second.layers))
            try volumes.unmount(directory)
            #expect(volumes.mountedImages(directory).isEmpty && volumes.imageLayers().isEmpty)
            try volumes.mount(second, volume: "v", of: directory)
            #expect(volumes.sweep(known: []) == [])
            #expect(!Files.exists(directory.path))
            #expect(try Files.readText(fixture.folder.path + "/top/etc/new") == "new")
            let mounts = try Files.readText("/proc/self/mountinfo", limit: 4 << 20)
            #expect(!mounts.contains(fixture.folder.path))
        }
    }
}

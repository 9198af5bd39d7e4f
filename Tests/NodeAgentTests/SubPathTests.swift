import Base
import CLinux
import PodRuntime
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct SubPathTests {
    private func open(_ folder: TemporaryDirectory, _ path: String) -> String? {
        do throws(VolumeError) {
            _ = try SubPath(volume: folder.path + "/volume", path: path).open().raw
            return nil
        } catch {
            return error.message
        }
    }

    private func volume() throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        try folder.write("volume/file", "inside")
        try folder.write("outside/secret", "outside")
        return folder
    }

    @Test func missingFoldersAreMadeWithTheVolumesMode() throws {
        let folder = try volume()
        #expect(chmod(folder.path + "/volume", 0o777) == 0)
        #expect(open(folder, "a/./b//c") == nil)
        for path in ["a", "a/b", "a/b/c"] {
            var status = stat()
            #expect(lstat(folder.path + "/volume/" + path, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o777)
        }
        #expect(open(folder, "file") == nil)
        #expect(open(folder, ".") == nil)
    }

    @Test func inAVolumeThatIsReadOnlyNothingIsMade() throws {
        let folder = try volume()
        let part = SubPath(volume: folder.path + "/volume", path: "a/b", isReadOnly: true)
        let error = #expect(throws: VolumeError.self) { _ = try part.open().raw }
        #expect(error?.message == "subPath \"a/b\" does not exist in volume path \"\(folder.path)/volume\"")
        #expect(!Files.exists(folder.path + "/volume/a"))
        _ = try SubPath(volume: folder.path + "/volume", path: "file", isReadOnly: true).open().raw
    }

    /// What a container may have put into its volume before it asks for a part of it.
    @Test(arguments: ["/etc", "../outside", "../../../../../../etc", "/proc/self/root/etc", "loop"])
    func aLinkOutOfTheVolumeIsNeverFollowed(target: String) throws {
        let folder = try volume()
        #expect(symlink(target, folder.path + "/volume/loop") == 0)
        let message = "not within volume path \"\(folder.path)/volume\""
        #expect(open(folder, "loop")?.contains(message) == true)
        #expect(open(folder, "loop/new")?.contains(message) == true)
        #expect(try Files.list(folder.path + "/outside") == ["secret"])
        #expect(!Files.exists("/etc/new"))
    }

    @Test func aDanglingLinkIsNotMadeReal() throws {
        let folder = try volume()
        #expect(symlink("nowhere", folder.path + "/volume/link") == 0)
        #expect(open(folder, "link/x") != nil)
        #expect(open(folder, "link") != nil)
        #expect(!Files.exists(folder.path + "/volume/nowhere"))
    }

    @Test func aLinkWithinTheVolumeIsFollowed() throws {
        let folder = try volume()
        try folder.write("volume/real/x", "")
        #expect(symlink("real", folder.path + "/volume/link") == 0)
        #expect(open(folder, "link/x") == nil)
    }

    @Test(arguments: ["/file", "..", "a/../../outside", "a/.."])
    func aPathThatClimbsOrIsAbsoluteIsRefused(path: String) throws {
        let folder = try volume()
        #expect(open(folder, path)?.hasPrefix("subPath \"\(path)\" must not") == true)
    }

    @Test func aFolderBelowAFileIsAnError() throws {
        let folder = try volume()
        #expect(open(folder, "file/x")?.contains("Not a directory") == true)
    }
}

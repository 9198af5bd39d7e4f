import Base
import CLinux
import PodRuntime
import Synchronization
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

    // MARK: races

    /// Swaps two names of the volume for each other until it is told to end.
    private final class Swapper: @unchecked Sendable {
        private let one: String
        private let other: String
        private let isEnding = Atomic(false)
        private var thread = pthread_t()

        init(_ folder: TemporaryDirectory, _ one: String, _ other: String) throws {
            (self.one, self.other) = ("\(folder.path)/volume/\(one)", "\(folder.path)/volume/\(other)")
            thread = try Threads.start("swapping") { [self] in
                let exchange: UInt32 = 2  // RENAME_EXCHANGE
                while !isEnding.load(ordering: .relaxed) {
                    _ = swl_renameat2(AT_FDCWD, self.one, AT_FDCWD, self.other, exchange)
                }
            }
        }

        func end() {
            isEnding.store(true, ordering: .relaxed)
            pthread_join(thread, nil)
        }
    }

    private func identity(_ path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    @Test(arguments: ["outside", "../outside", "/", "..", "/proc/self/root"])
    func whatIsSwappedForALinkMeanwhileIsItselfOrRefused(target: String) throws {
        let folder = try volume()
        try folder.write("volume/part/in/file", "inside")
        try folder.write("outside/in/file", "outside")
        let outside = target == "outside" ? folder.path + "/outside" : target
        #expect(symlink(outside, folder.path + "/volume/link") == 0)
        let own = identity(folder.path + "/volume/part/in")
        let swapper = try Swapper(folder, "part", "link")
        defer { swapper.end() }
        var (given, refused, others) = (0, 0, 0)
        // Nothing is made: where a link were followed, that would be on this machine.
        for n in 0..<1_000_000 where n < 3000 || given == 0 || refused == 0 {
            do throws(VolumeError) {
                let found = try SubPath(volume: folder.path + "/volume", path: "part/in", isReadOnly: true)
                    .open()
                let inode = (try? found.status(name: "part")).map { UInt64($0.st_ino) }
                if inode == own { given += 1 } else { others += 1 }
            } catch {
                refused += 1
            }
        }
        #expect(given > 0 && refused > 0 && others == 0)
    }

    @Test func whatIsMadeLandsInTheVolumeWhateverIsSwappedMeanwhile() throws {
        let folder = try volume()
        try folder.write("volume/part/file", "")
        #expect(symlink(folder.path + "/outside", folder.path + "/volume/link") == 0)
        let swapper = try Swapper(folder, "part", "link")
        defer { swapper.end() }
        for n in 0..<2000 { _ = open(folder, "part/new\(n)/deep") }
        #expect(try Files.list(folder.path + "/outside") == ["secret"])
    }

    /// Where all may write to a volume, one may rename what is another's own, and have it taken for what was just made.
    @Test func aFolderThatIsPutInPlaceOfANewOneKeepsItsMode() throws {
        let folder = try volume()
        let path = folder.path + "/volume"
        #expect(chmod(path, 0o777) == 0)
        try folder.write("volume/own/secret", "of another container")
        #expect(chmod(path + "/own", 0o700) == 0)
        let own = identity(path + "/own")
        let swapper = try Swapper(folder, "new", "own")
        defer { swapper.end() }
        for _ in 0..<3000 {
            _ = open(folder, "new")
            for name in ["new", "own"] { rmdir("\(path)/\(name)") }
        }
        let found = identity(path + "/own") == own ? "own" : "new"
        var status = stat()
        #expect(stat("\(path)/\(found)", &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o700)
    }
}

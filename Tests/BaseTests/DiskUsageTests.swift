import Base
import CLinux
import TestSupport
import Testing

@Suite struct DiskUsageTests {
    @Test func blocksAndInodesOfATreeAreCounted() throws {
        let folder = try TemporaryDirectory()
        try Files.makeDirectories(folder.path + "/a/b")
        try folder.write("a/one", [UInt8](repeating: 1, count: 100_000))
        try folder.write("a/b/two", [UInt8](repeating: 1, count: 50_000))
        let usage = DiskUsage.of(folder.path + "/a")
        #expect(usage.inodes == 4 && usage.bytes >= 150_000 && usage.bytes < 200_000)
    }

    @Test func aFileWithTwoNamesCountsOnceAndNoLinkIsFollowed() throws {
        let folder = try TemporaryDirectory()
        try Files.makeDirectories(folder.path + "/a")
        try folder.write("outside", [UInt8](repeating: 1, count: 1_000_000))
        try folder.write("a/one", [UInt8](repeating: 1, count: 100_000))
        #expect(link(folder.path + "/a/one", folder.path + "/a/again") == 0)
        #expect(symlink(folder.path + "/outside", folder.path + "/a/file") == 0)
        #expect(symlink(folder.path, folder.path + "/a/folder") == 0)
        let usage = DiskUsage.of(folder.path + "/a")
        #expect(usage.inodes == 4 && usage.bytes < 200_000)
        #expect(DiskUsage.of(folder.path + "/a/folder") == DiskUsage())
    }

    @Test func holesTakeNothingAndWhatIsNotThereNeither() throws {
        let folder = try TemporaryDirectory()
        try folder.write("hole", [])
        #expect(truncate(folder.path + "/hole", 1 << 30) == 0)
        #expect(DiskUsage.of(folder.path).bytes < 1 << 20)
        #expect(DiskUsage.of(folder.path + "/none") == DiskUsage())
    }

    @Test func aTreeThatIsTooDeepIsCountedUpToThere() throws {
        let folder = try TemporaryDirectory()
        var path = folder.path
        for _ in 0..<100 {
            path += "/d"
            #expect(mkdir(path, 0o700) == 0)
        }
        let usage = DiskUsage.of(folder.path)
        #expect(usage.inodes > 50 && usage.inodes < 100)
    }
}

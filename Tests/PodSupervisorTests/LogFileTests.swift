import Base
import CLinux
import TestSupport
import Testing

@testable import PodSupervisor

private let isRoot = geteuid() == 0

struct LogFileTests {
    private func write(_ text: String, to log: LogFile) {
        Array(text.utf8).withUnsafeBytes { log.write($0) }
    }

    private func line(_ n: Int, length: Int = 100) -> String {
        let head = "2026-01-01T00:00:00.000000000Z stdout F \(n) "
        return head + String(repeating: "x", count: max(0, length - head.utf8.count - 1)) + "\n"
    }

    private func bytes(in folder: String) throws -> Int64 {
        var total: Int64 = 0
        for name in try Files.list(folder) {
            total += Int64(try FileDescriptor.open(folder + "/" + name, O_RDONLY).status().st_size)
        }
        return total
    }

    @Test func aFloodStaysWithinItsBoundAndKeepsTheNewest() throws {
        let folder = try TemporaryDirectory()
        let log = try LogFile(path: folder.path + "/0.log", maximumBytes: 10_000, maximumFiles: 3)
        for n in 0..<2000 {
            write(line(n), to: log)
            if n % 50 == 0 {
                let total = try bytes(in: folder.path)
                #expect(total <= 30_000)
            }
        }
        let names = try Files.list(folder.path)
        #expect(names.count == 3)
        #expect(names.first == "0.log")
        let pattern = /0\.log\.[0-9]{8}-[0-9]{6}(-[0-9]{4})?/
        #expect(try names.dropFirst().allSatisfy { try pattern.wholeMatch(in: $0) != nil })
        // In the order of their names, then the current file: the last 299 or so lines without a gap.
        var numbers: [Int] = []
        for name in Array(names.dropFirst()) + ["0.log"] {
            for line in try Files.readText(folder.path + "/" + name).split(separator: "\n") {
                numbers.append(Int(line.split(separator: " ")[3]) ?? -1)
            }
        }
        #expect(numbers == Array((2000 - numbers.count)..<2000))
        #expect(numbers.count >= 200)
        #expect(log.totalDroppedLines == 0)
    }

    @Test func onlyOneFileMeansThatItStartsAnew() throws {
        let folder = try TemporaryDirectory()
        let log = try LogFile(path: folder.path + "/0.log", maximumBytes: 5000, maximumFiles: 1)
        for n in 0..<500 { write(line(n), to: log) }
        #expect(try Files.list(folder.path) == ["0.log"])
        #expect(try bytes(in: folder.path) <= 5000)
    }

    @Test func anExistingLogIsContinued() throws {
        let folder = try TemporaryDirectory()
        try folder.write("0.log", "before\n")
        let log = try LogFile(path: folder.path + "/0.log", maximumBytes: 5000, maximumFiles: 2)
        write("after\n", to: log)
        #expect(try Files.readText(folder.path + "/0.log") == "before\nafter")
    }

    @Test func compressedFilesCountAndTheOldestGoFirst() throws {
        let folder = try TemporaryDirectory()
        for name in ["0.log.20200101-000000.gz", "0.log.20200102-000000.gz", "1.log"] {
            try folder.write(name, "old\n")
        }
        let log = try LogFile(path: folder.path + "/0.log", maximumBytes: 5000, maximumFiles: 3)
        for n in 0..<60 { write(line(n), to: log) }
        let names = try Files.list(folder.path)
        #expect(names.contains("1.log") && names.contains("0.log.20200102-000000.gz"))
        #expect(!names.contains("0.log.20200101-000000.gz"))
        #expect(names.count == 4)
    }

    @Test func aLogThatWasRemovedIsMadeAnewAtItsNextRotation() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/logs/web/0.log"
        try Files.makeDirectories(Path.parent(path))
        let log = try LogFile(path: path, maximumBytes: 5000, maximumFiles: 3)
        for n in 0..<10 { write(line(n), to: log) }
        try Files.removeTree(folder.path + "/logs")
        for n in 10..<100 { write(line(n), to: log) }
        #expect(Files.exists(path))
    }

    @Test func aLinkInTheLogsPlaceIsRefused() throws {
        let folder = try TemporaryDirectory()
        let target = try folder.write("target", "precious\n")
        symlink(target, folder.path + "/0.log")
        #expect(throws: SystemError.self) {
            try LogFile(path: folder.path + "/0.log", maximumBytes: 5000, maximumFiles: 2)
        }
        mkfifo(folder.path + "/1.log", 0o600)
        #expect(throws: SystemError.self) {
            try LogFile(path: folder.path + "/1.log", maximumBytes: 5000, maximumFiles: 2)
        }
        #expect(try Files.readText(target) == "precious")
    }

    @Test(.enabled(if: isRoot)) func aFullDiskDropsLinesAndSaysHowMany() async {
        await #expect(processExitsWith: .success) {
            try retrying("unshare", "mounts") { swl_unshare(CLONE_NEWNS) }
            try retrying("mount", "/") { mount(nil, "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil) }
            let folder = try TemporaryDirectory()
            try retrying("mount", folder.path) { mount("none", folder.path, "tmpfs", 0, "size=64k") }
            defer { umount2(folder.path, Int32(MNT_DETACH)) }
            let filler = folder.path + "/filler"
            try FileDescriptor.open(filler, O_WRONLY | O_CREAT, mode: 0o600).writeAll(
                [UInt8](repeating: 1, count: 48 * 1024))
            let log = try LogFile(path: folder.path + "/0.log", maximumBytes: 1 << 20, maximumFiles: 2)
            var sent = 0
            for n in 0..<400 {
                let text = "2026-01-01T00:00:00.000000000Z stdout F \(n) " + String(repeating: "y", count: 60) + "\n"
                Array(text.utf8).withUnsafeBytes { log.write($0) }
                sent += 1
            }
            try require(log.droppedLines > 0, "lines are counted as dropped")
            try require(log.dropReason.contains("ENOSPC"), "the reason is told")
            try require(!log.retry(), "nothing can be said while the disk is full")
            let dropped = Int(log.droppedLines)
            try Files.remove(filler)
            try require(log.retry(), "the log goes on when there is room")
            Array("2026-01-01T00:00:00.000000000Z stdout F last\n".utf8).withUnsafeBytes { log.write($0) }
            let lines = try Files.readText(folder.path + "/0.log").split(separator: "\n")
            try require(lines.count == sent - dropped + 2, "all lines are whole")
            try require(
                lines[lines.count - 2].hasSuffix(
                    "stderr F [swiftlet] \(dropped) lines were dropped here: the log could not be written: "
                        + "No space left on device (ENOSPC)"), "the gap is marked")
            try require(lines.last?.hasSuffix("F last") == true, "and the log goes on")
            try require(log.droppedLines == 0 && log.totalDroppedLines == Int64(dropped), "counts")
        }
    }

    @Test(.enabled(if: isRoot)) func aLogThatCannotBeMadeOnAFullDiskBeginsLater() async {
        await #expect(processExitsWith: .success) {
            try retrying("unshare", "mounts") { swl_unshare(CLONE_NEWNS) }
            try retrying("mount", "/") { mount(nil, "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil) }
            let folder = try TemporaryDirectory()
            try retrying("mount", folder.path) { mount("none", folder.path, "tmpfs", 0, "nr_inodes=2,size=64k") }
            defer { umount2(folder.path, Int32(MNT_DETACH)) }
            try folder.write("filler", "")
            let log = try LogFile(path: folder.path + "/0.log", maximumBytes: 1 << 20, maximumFiles: 2)
            Array("one\ntwo\n".utf8).withUnsafeBytes { log.write($0) }
            try require(log.droppedLines == 2, "both lines are dropped")
            try Files.remove(folder.path + "/filler")
            Array("three\n".utf8).withUnsafeBytes { log.write($0) }
            let lines = try Files.readText(folder.path + "/0.log").split(separator: "\n")
            try require(
                lines.count == 2 && lines[0].contains("2 lines were dropped") && lines[1] == "three", "\(lines)")
        }
    }
}

/// What a test waited for and did not come.
struct Unmet: Error {
    let what: String
}

/// For exit tests: says what is wrong, and ends the process.
func require(_ condition: Bool, _ what: String) throws {
    if condition { return }
    Issue.record("unmet: \(what)")
    throw Unmet(what: what)
}

import Base
import CLinux
import NodeAPITestSupport
import TestSupport
import Testing

@testable import NodeAPI

@Suite struct LogReaderTests {
    /// A line of a log at `second` after 2026 began.
    static func line(_ second: Int64, _ content: String, stream: String = "stdout", tag: String = "F") -> String {
        let start: Int64 = 1_767_225_600
        let time = Timestamp(nanoseconds: (start + second) * 1_000_000_000).rfc3339Nano
        return "\(String(decoding: time, as: UTF8.self)) \(stream) \(tag) \(content)\n"
    }

    static func lines(_ range: Range<Int>) -> String { range.map { line(Int64($0), "line \($0)") }.joined() }

    func all(_ reader: LogReader) throws -> String {
        var out: [UInt8] = []
        while true {
            switch try reader.next() {
            case .bytes(let bytes): out += bytes
            case .nothingYet, .end: return String(decoding: out, as: UTF8.self)
            }
        }
    }

    func read(_ folder: TemporaryDirectory, attempt: Int = 0, _ set: (inout LogOptions) -> Void = { _ in }) throws
        -> String
    {
        var options = LogOptions()
        set(&options)
        return try all(LogReader(LogSource(folder: folder.path, attempt: attempt, isComplete: false), options))
    }

    @Test func partialEntriesMakeOneLineAndBrokenOnesArePassedOver() throws {
        let folder = try TemporaryDirectory()
        try folder.write(
            "0.log",
            Self.line(1, "abc", tag: "P") + Self.line(1, "def") + "garbage\n" + Self.line(2, "err", stream: "stderr")
                + "2026-01-01T00:00:00.000000000Z stdout X what\n" + Self.line(3, "")
                + Self.line(4, "tagged", tag: "F:x"))
        #expect(try read(folder) == "abcdef\nerr\n\ntagged\n")
        #expect(try read(folder) { $0.stream = .standardError } == "err\n")
        #expect(
            try read(folder) { $0.timestamps = true }
                .hasPrefix("2026-01-01T00:00:01.000000000Z abcdef\n2026-01-01T00:00:02.000000000Z err\n"))
        #expect(try read(folder) { $0.limitBytes = 5 } == "abcde")
        #expect(try read(folder) { $0.since = Timestamp(rfc3339: "2026-01-01T00:00:02Z") } == "err\n\ntagged\n")
        #expect(try read(folder, attempt: 1) == "")
    }

    @Test(arguments: [0, 1, 2, 7, 999, 1000, 1500, 3000, 3001])
    func theLastLinesAreFoundAcrossBlocksAndRotatedFiles(count: Int) throws {
        let folder = try TemporaryDirectory()
        // Names and times of the files say the order, as after rotation.
        try folder.write("0.log.20260101-000001", Self.lines(0..<1000))
        try folder.write("0.log.20260101-000002", Self.lines(1000..<2000))
        try folder.write("0.log", Self.lines(2000..<3000))
        try folder.write("0.log.20250101-000000.gz", "not read")
        let expected = (max(0, 3000 - count)..<3000).map { "line \($0)\n" }.joined()
        #expect(try read(folder) { $0.tailLines = count } == expected)
    }

    @Test func theTailCountsLinesOfTheContainerNotEntries() throws {
        let folder = try TemporaryDirectory()
        let long = String(repeating: "x", count: 70_000)
        try folder.write(
            "0.log",
            Self.line(1, "first") + Self.line(2, long, tag: "P") + Self.line(2, "end") + Self.line(3, "last", tag: "P"))
        #expect(try read(folder) { $0.tailLines = 1 } == "last")
        #expect(try read(folder) { $0.tailLines = 2 } == long + "end\nlast")
        #expect(try read(folder) { $0.tailLines = 3 } == "first\n" + long + "end\nlast")
    }

    @Test func aLineThatIsBeingWrittenIsNotCutInTwo() throws {
        let folder = try TemporaryDirectory()
        let text = Array((Self.line(1, "one") + Self.line(2, "two")).utf8)
        try folder.write("0.log", Array(text[..<70]))
        var options = LogOptions()
        options.follows = true
        options.tailLines = 1
        let reader = try LogReader(LogSource(folder: folder.path, attempt: 0, isComplete: false), options)
        #expect(try all(reader) == "one\n")
        let file = try FileDescriptor.open(folder.path + "/0.log", O_WRONLY | O_APPEND)
        try file.writeAll(text[70...])
        #expect(try all(reader) == "two\n")
    }

    @Test func followingGoesOverRotationAndRestartWithoutLosingALine() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/0.log"
        try folder.write("0.log", Self.lines(0..<10))
        var options = LogOptions()
        options.follows = true
        var source = LogSource(folder: folder.path, attempt: 0, isComplete: false)
        let reader = try LogReader(source, options)
        #expect(try all(reader).split(separator: "\n").count == 10)

        // Two rotations between two looks.
        let old = try FileDescriptor.open(path, O_WRONLY | O_APPEND)
        try old.writeAll(Self.lines(10..<12).utf8)
        #expect(rename(path, path + ".1") == 0)
        try folder.write("0.log", Self.lines(12..<14))
        #expect(rename(path, path + ".2") == 0)
        try folder.write("0.log", Self.lines(14..<15))
        #expect(try all(reader) == (10..<15).map { "line \($0)\n" }.joined())

        // Restarted twice; the first restart left no log.
        try folder.write("2.log", Self.lines(20..<21))
        #expect(try reader.next() == .nothingYet)
        source.attempt = 2
        reader.update(source)
        #expect(try all(reader) == "line 20\n")
        #expect(try reader.next() == .nothingYet)
        source.isComplete = true
        reader.update(source)
        #expect(try reader.next() == .end)
    }

    @Test func aLogThatIsNotThereYetIsWaitedFor() throws {
        let folder = try TemporaryDirectory()
        var options = LogOptions()
        options.follows = true
        let reader = try LogReader(
            LogSource(folder: folder.path + "/c", attempt: 0, isComplete: false), options)
        #expect(try reader.next() == .nothingYet)
        try folder.write("c/0.log", Self.line(1, "hello"))
        #expect(try all(reader) == "hello\n")
    }

    @Test func aLinkInTheLogFolderIsNotFollowed() throws {
        let folder = try TemporaryDirectory()
        #expect(symlink("/etc/passwd", folder.path + "/0.log") == 0)
        #expect(throws: SystemError.self) { try read(folder) }
    }

    @Test func noBytesMakeTheReaderCrash() throws {
        var random = SplitMix(1)
        let folder = try TemporaryDirectory()
        for _ in 0..<300 {
            var bytes = Array((Self.lines(0..<20) + Self.line(1, "p", tag: "P")).utf8)
            for _ in 0..<8 {
                let i = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[i] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(i..<min(bytes.count - 1, i + 30))
                default: bytes.insert(0x0A, at: i)
                }
            }
            try folder.write("0.log", bytes)
            for tail in [nil, 0, 1, 5, 100] { _ = try read(folder) { $0.tailLines = tail } }
        }
    }
}

@Suite struct LogRouteTests {
    @Test func parametersAreCheckedWithTheKubeletsNames() throws {
        let harness = try Harness()
        for query in [
            "tailLines=-1", "limitBytes=0", "sinceSeconds=0", "sinceSeconds=x", "sinceTime=now", "follow=perhaps",
            "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", "stream=Both",
        ] {
            #expect(try harness.get("/containerLogs/default/a/c?\(query)").status == 400, "\(query)")
        }
    }

    @Test func aFollowedLogArrivesAsItIsWrittenAndEndsWithThePod() throws {
        let harness = try Harness()
        try harness.folder.write("logs/0.log", LogReaderTests.line(1, "one"))
        harness.node.setPod("a", phase: "Running")
        var source = LogSource(folder: harness.folder.path + "/logs", attempt: 0, isComplete: false)
        harness.node.logSources["a/c"] = source
        let client = try harness.client()
        client.send("GET /containerLogs/default/a/c?follow=true HTTP/1.1\r\nHost: x\r\n\r\n")
        try harness.turn {
            client.receive()
            return client.text.contains("one\n")
        }
        let file = try FileDescriptor.open(source.folder + "/0.log", O_WRONLY | O_APPEND)
        try file.writeAll(LogReaderTests.line(2, "two").utf8)
        try harness.turn {
            client.receive()
            return client.text.contains("two\n")
        }
        try harness.folder.write("logs/1.log", LogReaderTests.line(3, "restarted"))
        source.attempt = 1
        harness.node.logSources["a/c"] = source
        harness.node.setPod("a", phase: "Running")
        try harness.turn {
            client.receive()
            return client.text.contains("restarted\n")
        }
        harness.node.logSources = [:]
        harness.node.removePod("a")
        #expect(try harness.response(client).text == "one\ntwo\nrestarted\n")
        #expect(harness.node.watcherCount == 0)
    }

    @Test func aClientThatDoesNotReadCostsNoMemory() throws {
        let harness = try Harness()
        let text = (0..<16_000).map { LogReaderTests.line(Int64($0), String(repeating: "x", count: 100)) }.joined()
        try harness.folder.write("logs/0.log", text)
        harness.node.logSources["a/c"] = LogSource(
            folder: harness.folder.path + "/logs", attempt: 0, isComplete: true)
        let client = try harness.client()
        client.send("GET /containerLogs/default/a/c HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in 0..<200 { try harness.loop.turn(wait: false) }
        client.receive(limit: 1 << 30)
        // What the socket held and what one pause lets through; the log has 2.2 MB.
        #expect(client.bytes.count < 1 << 20)
        #expect(try harness.response(client).body.count == 16_000 * 101)
    }
}

import CLinux
import Synchronization
import TestSupport
import Testing

@testable import Base

@Suite struct JournalTests {
    @Test func aPlainFieldIsALine() {
        let entry = JournalEntry([("MESSAGE", "hello"), ("PRIORITY", "6")])
        #expect(String(decoding: entry.bytes, as: UTF8.self) == "MESSAGE=hello\nPRIORITY=6\n")
    }

    @Test func aValueOfSeveralLinesHasItsLengthBeforeItAndAddsNoField() {
        let entry = JournalEntry([("MESSAGE", "a\nPRIORITY=0"), ("POD_NAME", "web")])
        let expected =
            Array("MESSAGE\n".utf8) + [12, 0, 0, 0, 0, 0, 0, 0] + Array("a\nPRIORITY=0\nPOD_NAME=web\n".utf8)
        #expect(entry.bytes == expected)
    }

    @Test func fieldsWhoseNameTheJournalWouldNotTakeAreLeftOut() {
        for name in ["", "lower", "_TRUSTED", "1ST", "WITH SPACE", "A=B", "A\nB", String(repeating: "A", count: 65)] {
            #expect(JournalEntry([(name, "v")]).bytes.isEmpty, "\(name)")
        }
        #expect(!JournalEntry([("POD_UID2", "v")]).bytes.isEmpty)
    }

    @Test func aLongValueIsCutAtACharacterSoThatTheEntryFitsADatagram() throws {
        for text in [String(repeating: "a", count: 1 << 20), String(repeating: "é€😀", count: 1 << 18)] {
            let bytes = JournalEntry([("MESSAGE", text)]).bytes
            #expect(bytes.count < JournalEntry.longestValue + 20)
            let value = try #require(String(validating: bytes.dropFirst(8).dropLast(), as: UTF8.self))
            #expect(value.hasSuffix("…"))
            #expect(text.hasPrefix(value.dropLast()))
        }
        #expect(JournalEntry([("A", String(repeating: "b", count: 32 << 10))]).bytes.count == (32 << 10) + 3)
    }

    @Test func anEntryReachesTheJournalsSocketAndAFullOneHoldsNobodyUp() throws {
        let folder = try TemporaryDirectory()
        let socket = try JournalSocket(address: "\(folder.path)/socket")
        let entry = JournalEntry([("MESSAGE", "x")])
        #expect(!socket.send(entry), "there is no journal yet")
        let receiver = try DatagramReceiver("\(folder.path)/socket")
        #expect(socket.send(entry))
        #expect(receiver.next() == entry.bytes)
        var sent = 0
        while sent < 100_000, socket.send(entry) { sent += 1 }
        #expect(sent < 100_000)
    }

    @Test func theVariableAloneDoesNotMakeTheOutputTheJournal() throws {
        let folder = try TemporaryDirectory()
        let file = try FileDescriptor.open(try folder.write("out", ""), O_RDONLY)
        let status = try file.status(name: "out")
        #expect(JournalSocket.isStream(file.raw, variable: "\(status.st_dev):\(status.st_ino)"))
        for variable in [nil, "", ":", "1", "\(status.st_dev):\(status.st_ino + 1)", "\(status.st_dev):"] {
            #expect(!JournalSocket.isStream(file.raw, variable: variable), "\(variable ?? "nil")")
        }
        #expect(!JournalSocket.isStream(-1, variable: "\(status.st_dev):\(status.st_ino)"))
    }
}

@Suite struct LogTests {
    private final class Output: Sendable {
        let lines = Mutex<[String]>([])
        let entries = Mutex<[String]>([])
    }

    private func log(_ output: Output, limit: Log.Level = .info, isJournal: Bool = true, takes: Bool = true) -> Log {
        Log(
            limit: limit, isJournal: isJournal,
            entries: { entry in
                if takes { output.entries.withLock { $0.append(String(decoding: entry.bytes, as: UTF8.self)) } }
                return takes
            }
        ) { line in output.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    }

    @Test func aMessageWithFieldsIsAnEntryAndAPlainOneALine() {
        let output = Output()
        let log = log(output)
        log.warning("plain\nand more")
        log.entry(.info, "started", identifier: "swiftletd", fields: [("POD_NAME", "web")])
        #expect(output.lines.withLock { $0 } == ["<4>plain\\nand more\n"])
        #expect(
            output.entries.withLock { $0 }
                == ["MESSAGE=started\nPRIORITY=6\nSYSLOG_IDENTIFIER=swiftletd\nPOD_NAME=web\n"])
    }

    @Test func whatTheJournalDoesNotTakeNowIsALineInstead() {
        let output = Output()
        log(output, takes: false).entry(.error, "lost", identifier: "swiftletd", fields: [])
        #expect(output.lines.withLock { $0 } == ["<3>lost\n"])
    }

    @Test func theLevelChangesInAllCopiesOfALog() {
        let output = Output()
        let log = log(output)
        let copy = log
        log.limit = .error
        copy.warning("not said")
        copy.entry(.warning, "not said", identifier: "x", fields: [])
        copy.limit = .debug
        log.debug("said")
        #expect(output.lines.withLock { $0 } == ["<7>said\n"])
        #expect(output.entries.withLock { $0 } == [])
    }
}

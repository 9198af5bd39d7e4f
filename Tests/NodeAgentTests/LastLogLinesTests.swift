import Base
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct LastLogLinesTests {
    private func entry(_ text: String, _ tag: String = "F", _ stream: String = "stdout") -> String {
        "2026-03-01T12:00:00.000000000Z \(stream) \(tag) \(text)\n"
    }

    private func text(_ log: String) -> String? { LastLogLines.text(ArraySlice(Array(log.utf8))) }

    @Test func bothStreamsAreTakenWithoutTheirTimes() {
        #expect(text(entry("one") + entry("two", "F", "stderr")) == "one\ntwo\n")
        #expect(text(entry("a", "P") + entry("b", "F") + entry("", "F")) == "ab\n\n")
    }

    @Test func noMoreThanEightyLinesAreTaken() {
        let log = (1...100).map { entry("line \($0)") }.joined()
        #expect(text(log) == (21...100).map { "line \($0)\n" }.joined())
    }

    @Test func noMoreThanTwoKibibytesAreTaken() throws {
        let log = (1...50).map { entry(String(repeating: "\($0 % 10)", count: 99)) }.joined()
        let found = try #require(text(log))
        #expect(found.utf8.count == 2048)
        #expect(found.hasSuffix(String(repeating: "0", count: 99) + "\n"))
    }

    @Test func whatIsNoLogGivesNothing() throws {
        #expect(text("") == nil)
        #expect(text("nothing of the format\n\n\n") == nil)
        #expect(text(entry("whole") + "2026-03-01T12:00:0") == "whole\n")
        let folder = try TemporaryDirectory()
        #expect(LastLogLines.read("\(folder.path)/none.log") == nil)
        #expect(LastLogLines.read(folder.path) == nil)
        let path = try folder.write("0.log", String(repeating: "x", count: 100_000) + "\n" + entry("end"))
        #expect(LastLogLines.read(path) == "end\n")
    }
}

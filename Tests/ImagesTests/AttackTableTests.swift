import Base
import Testing

/// docs/images.md says for each attack which tests are about it.
@Suite("The table of attacks")
struct AttackTableTests {
    private static let root = Path.parent(Path.parent(Path.parent(#filePath)))

    /// All sources of the tests, as one text.
    private func tests() throws -> String {
        var text = ""
        for folder in try Files.list(Self.root + "/Tests") where Files.isDirectory("\(Self.root)/Tests/\(folder)") {
            for name in try Files.list("\(Self.root)/Tests/\(folder)") where name.hasSuffix(".swift") {
                text += try Files.readText("\(Self.root)/Tests/\(folder)/\(name)")
            }
        }
        return text
    }

    @Test("names tests that there are, at least one a line")
    func complete() throws {
        let document = try Files.readText(Self.root + "/docs/images.md")
        let section = try #require(document.components(after: "\n## Attacks\n"))
        let tests = try tests()
        var named: Set<Substring> = []
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("|") }.dropFirst(2)
        #expect(rows.count >= 20)
        for row in rows {
            let cells = row.split(separator: "|")
            try #require(cells.count == 3, "\(row)")
            // What stands between backticks.
            let names = cells[2].split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map(\.element)
            #expect(!names.isEmpty, "no test: \(row)")
            for name in names {
                #expect(tests.contains("\"\(name)\"") || tests.contains("func \(name)("), "no test \(name): \(row)")
                named.insert(name)
            }
        }
        #expect(named.count >= 90)
    }
}

extension String {
    /// What follows the first `mark`, up to the next heading of its level.
    fileprivate func components(after mark: String) -> Substring? {
        guard let start = firstRange(of: mark)?.upperBound else { return nil }
        let rest = self[start...]
        return rest.firstRange(of: "\n## ").map { rest[..<$0.lowerBound] } ?? rest
    }
}

import PodRuntime
import Testing

@Suite struct EnvFileTests {
    private func values(_ text: String) throws -> [String: String] { try EnvFile(parsing: Array(text.utf8)).values }

    private func mistake(_ text: String) -> String? {
        do {
            _ = try EnvFile(parsing: Array(text.utf8))
            return nil
        } catch { return "\(error)" }
    }

    @Test func valuesAreTakenAsTheyStandBetweenSingleQuotes() throws {
        let text = """
            # a comment

              DB = 'db.example:5432'\u{20}
            EMPTY=''
            TEXT='two
            # lines, "$HOME" and \\ '
            \tLAST='a'
            LAST='b'
            """
        let expected = [
            "DB": "db.example:5432", "EMPTY": "", "TEXT": "two\n# lines, \"$HOME\" and \\ ", "LAST": "b",
        ]
        #expect(try values(text) == expected)
        #expect(try values(text + "\n") == expected)
        #expect(try values("A='1'\r\nB='2'\r\n") == ["A": "1", "B": "2"])
        #expect(try values("") == [:])
    }

    @Test(
        arguments: [
            ("A=b", "line 1: the value of A must be in single quotes"),
            ("\nA=\"b\"", "line 2: the value of A must be in single quotes"),
            ("A='b\n\n", "line 1: the value of A has no closing quote"),
            ("A='1\n2''3'", "line 2: nothing may follow the closing quote of A"),
            ("A='1' # why", "line 1: nothing may follow the closing quote of A"),
            ("A='1'\nexport", "line 2: expected NAME='value'"),
            ("='1'", "line 1: the name of a variable is of printable ASCII characters"),
            ("\u{e9}='1'", "line 1: the name of a variable is of printable ASCII characters"),
            ("A=", "line 1: the value of A must be in single quotes"),
        ])
    func anythingElseIsAMistakeWithItsLine(_ text: String, _ message: String) {
        #expect(mistake(text) == message)
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: EnvFile.Mistake.self) { try EnvFile(parsing: [0x41, 0x3D, 0x27, 0xFF, 0x27]) }
    }
}

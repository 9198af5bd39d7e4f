import JSON
import Testing

@testable import CLI

@Suite struct ConditionTests {
    private func patch(_ line: String) throws -> [JSONValue] {
        let words = ["condition"] + line.split(separator: " ").map(String.init)
        let (_, invocation) = try ArgumentParser(commands: CommandLineTool.commands).parse(words)
        return try ConditionCommand.conditions(Array(invocation.arguments.dropFirst()), invocation)
    }

    @Test func theWordsSayWhatIsSet() throws {
        #expect(
            try patch("web a/b=True c- --reason=Up") == [
                ["type": "a/b", "status": "True", "reason": "Up"], ["type": "c", "$patch": "delete"],
            ])
        for wrong in ["web a", "web =True", "web a=yes", "web"] {
            #expect(throws: CLIError.self, "\(wrong)") { try patch(wrong) }
        }
    }
}

import JSON
import Testing

@testable import CLI

@Suite struct SelectorTests {
    @Test(arguments: [
        ("app=web", true), ("app==web", true), ("app=db", false), ("app!=db", true), ("none!=db", true),
        ("app in (web, db)", true), ("app in (db)", false), ("app notin (db)", true), ("none notin (a)", true),
        ("app", true), ("!app", false), ("none", false), ("!none", true), ("app=web,tier=front", true),
        ("app=web,tier=back", false), ("app in (a,web),!none", true), ("example.com/x=y", true), ("", true),
    ]) func labelsAreSelectedAsKubectlDoes(text: String, isWanted: Bool) throws {
        let selector = try LabelSelector(text)
        #expect(selector.matches(["app": "web", "tier": "front", "example.com/x": "y"]) == isWanted)
    }

    @Test(arguments: ["=x", "a=b=c", "a in b", "a foo (b)", "a in ()", "a b", "!", "a=b c", "a,=", "(a)"])
    func aSelectorThatIsNoneIsRefused(text: String) {
        #expect(throws: CLIError.self) { try LabelSelector(text) }
    }

    @Test func fieldsAreSelected() throws {
        let pod: JSONValue = [
            "metadata": ["name": "a"], "spec": ["nodeName": "n"], "status": ["phase": "Running"],
        ]
        #expect(try FieldSelector("status.phase=Running,metadata.name!=b").matches(pod))
        #expect(try !FieldSelector("status.phase!=Running").matches(pod))
        #expect(try FieldSelector("spec.hostNetwork==false").matches(pod))
        #expect(throws: CLIError.self) { try FieldSelector("spec.containers=x") }
        #expect(throws: CLIError.self) { try FieldSelector("status.phase") }
    }
}

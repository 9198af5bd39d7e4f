import PodRuntime
import Testing

@Suite struct VariableExpansionTests {
    /// The table of Kubernetes' own tests, and the corners around it.
    @Test(arguments: [
        ("$(VAR_A)", "A"), ("___$(VAR_B)___", "___B___"), ("___$(VAR_C)", "___C"), ("$(VAR_A)-$(VAR_A)", "A-A"),
        ("$(VAR_A)$(VAR_B)$(VAR_C)", "ABC"), ("$(VAR_EMPTY)", ""), ("foo$(VAR_EMPTY)bar", "foobar"),
        ("foo\\$(VAR_A)", "foo\\A"), ("\\$(VAR_A)", "\\A"), ("$$(VAR_A)", "$(VAR_A)"), ("$$$(VAR_A)", "$A"),
        ("$$$$$(VAR_A)", "$$A"), ("$$$$$$$(VAR_A)", "$$$A"), ("$$$$$$(VAR_A)", "$$$(VAR_A)"),
        ("$VAR_A)", "$VAR_A)"), ("${VAR_A}", "${VAR_A}"), ("$", "$"), ("$$", "$"), ("$(VAR_A", "$(VAR_A"),
        ("$()", "$()"), ("$(NOPE)$(VAR_A)", "$(NOPE)A"), ("$(VAR_A)$", "A$"), ("$(VAR_A)$$$(", "A$$("),
        ("$((VAR_A))", "$((VAR_A))"), ("$(a$$b$x", "$(a$b$x"), ("$(a$", "$(a$"), ("foo$é", "foo$é"), ("", ""),
    ])
    func referencesExpandAsInKubernetes(text: String, expected: String) {
        let values = ["VAR_A": "A", "VAR_B": "B", "VAR_C": "C", "VAR_EMPTY": ""]
        #expect(VariableExpansion.expand(text) { values[$0] } == expected)
    }

    @Test func aValueIsNotExpandedAgain() {
        #expect(VariableExpansion.expand("$(A)") { _ in "$(A)$$" } == "$(A)$$")
    }

    @Test func aTextOfOpenReferencesTakesLinearTime() {
        let text = String(repeating: "$(", count: 200_000)
        #expect(VariableExpansion.expand(text) { _ in "x" } == text)
    }
}

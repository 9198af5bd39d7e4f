import JSON
import TestSupport
import Testing
import YAML

@Suite("A hostile text costs no more than its size")
struct YAMLBombTests {
    @Test("An alias bomb is refused")
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for n in 1...12 {
            let aliases = Array(repeating: "*a\(n - 1)", count: 10).joined(separator: ", ")
            text += "a\(n): &a\(n) [\(aliases)]\n"
        }
        #expect(failure(text)?.hasSuffix("more than 200000 values, with aliases expanded") == true)
    }

    @Test("A merge bomb is refused")
    func mergeBomb() {
        var text = "a: &a {" + (0..<1000).map { "k\($0): 1" }.joined(separator: ", ") + "}\n"
        for n in 0..<300 { text += "b\(n): {<<: *a}\n" }
        #expect(failure(text)?.hasSuffix("more than 200000 values, with aliases expanded") == true)
    }

    @Test("Depth is bounded, through aliases too", arguments: ["[", "{a: ", "- "])
    func depth(_ opening: String) {
        #expect(failure(String(repeating: opening, count: 50_000))?.contains("nested deeper than 100 levels") == true)
        var text = "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n"
        for n in 1...12 { text += "a\(n): &a\(n) [[[[[[[[[[*a\(n - 1)]]]]]]]]]]\n" }
        #expect(failure(text)?.contains("nested deeper than 100 levels by alias") == true)
    }

    @Test("Size and the number of values are bounded")
    func size() {
        #expect(
            failure("aaaaa", limits: .init(bytes: 4)) == "the text has 5 bytes, more than the 4 allowed")
        #expect(failure("[" + String(repeating: "1,", count: 300_000) + "]")?.contains("more than 200000") == true)
        #expect(failure(String(repeating: "--- a\n", count: 300_000))?.contains("more than 200000") == true)
    }

    @Test("The number of directives is bounded")
    func directives() {
        let directives = (0..<200).map { "%TAG !t\($0)! tag:x\n" }.joined()
        #expect(failure(directives + "--- a") == "more than 100 lines start with '%'")
        #expect(failure("%YAML 1.1\n--- a") == nil)
    }

    @Test("Random damage never crashes the parser")
    func damage() {
        var random = SplitMix(42)
        let text = Array(
            "a: &x [1, 'two', \"th\\u00e9\"]\nb: {c: *x, <<: {d: ~}}\n? e\n: |\n  block\n--- !!str f\n".utf8)
        let alphabet = Array("[]{}:,-?&*!|>'\"%@`#~<\n\t \\xu0".utf8) + [0, 0xC3, 0xFF]
        for _ in 0..<5000 {
            var bytes = text
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let i = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[i] = alphabet.randomElement(using: &random) ?? 0
                case 1: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: i)
                default: bytes.removeSubrange(i..<min(i + 5, bytes.count - 1))
                }
            }
            _ = try? YAML.documents(bytes)
        }
    }
}

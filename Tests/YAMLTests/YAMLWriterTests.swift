import JSON
import TestSupport
import Testing
import YAML

@Suite("YAML is written as kubectl writes it")
struct YAMLWriterTests {
    @Test("A document looks like kubectl's")
    func document() {
        let value: JSONValue = [
            "kind": "Pod", "apiVersion": "v1",
            "metadata": ["name": "web", "labels": ["app": "x"], "creationTimestamp": "2026-03-01T12:00:00Z"],
            "spec": [
                "containers": [
                    [
                        "name": "c", "args": ["-c", "echo a\necho b\n", "no", "1", ""], "resources": [:],
                        "ports": [["containerPort": 80]], "command": [],
                    ]
                ]
            ],
            "status": .null,
        ]
        #expect(
            YAMLWriter.text(value) == """
                apiVersion: v1
                kind: Pod
                metadata:
                  creationTimestamp: "2026-03-01T12:00:00Z"
                  labels:
                    app: x
                  name: web
                spec:
                  containers:
                  - args:
                    - -c
                    - |
                      echo a
                      echo b
                    - "no"
                    - "1"
                    - ""
                    command: []
                    name: c
                    ports:
                    - containerPort: 80
                    resources: {}
                status: null

                """)
    }

    @Test(
        "Strings stand in quotes only where they would read as something else",
        arguments: [
            ("plain", "plain"), ("1.5", "\"1.5\""), ("yes", "\"yes\""), ("~", "\"~\""), ("null", "\"null\""),
            ("0x1F", "\"0x1F\""), ("1:30", "\"1:30\""), ("<<", "\"<<\""), ("=", "\"=\""), ("a: b", "'a: b'"),
            ("a #b", "'a #b'"), ("- a", "'- a'"), ("#a", "'#a'"), ("it's", "it's"), ("*x", "'*x'"),
            ("busybox:1.36", "busybox:1.36"), ("100m", "100m"), (" lead", "' lead'"), ("tab\tx", "\"tab\\tx\""),
            ("é", "é"), ("2026-03-01", "\"2026-03-01\""), ("2026-03-01-x", "2026-03-01-x"), (".inf", "\".inf\""),
            ("a\nb", "|-\n  a\n  b"), ("a\nb\n", "|\n  a\n  b"), ("\u{7}", "\"\\a\""), ("[x]", "'[x]'"),
        ])
    func strings(_ text: String, _ written: String) throws {
        #expect(YAMLWriter.text(["k": .string(text)]) == "k: \(written)\n")
        #expect(try parse(YAMLWriter.text(["k": .string(text)]))["k"] == .string(text))
    }

    @Test("Keys are in natural order")
    func order() {
        let keys = ["b", "a10", "a2", "a", "A", "a01", "a-b", "ab", "1", "10", "9"]
        let object = JSONObject(keys.map { .init(key: $0, value: 0) })
        let written = YAMLWriter.text(.object(object)).split(separator: "\n")
            .map { $0.dropLast(3).filter { $0 != "\"" } }
        #expect(written == ["1", "9", "10", "A", "a", "a-b", "a01", "a2", "a10", "ab", "b"])
    }

    @Test("Documents are divided by three dashes")
    func several() {
        #expect(YAMLWriter.text(["a": 1], ["b": 2]) == "a: 1\n---\nb: 2\n")
    }

    @Test("Random values are read back as they were")
    func roundTrip() throws {
        var random = SplitMix(7)
        for _ in 0..<500 {
            let value: JSONValue = ["v": Self.value(depth: 4, &random)]
            let text = YAMLWriter.text(value)
            let sorted = JSONWriter(sortsKeys: true)
            #expect(sorted.text(try parse(text)) == sorted.text(value), "\(text)")
        }
    }

    private static func value(depth: Int, _ random: inout SplitMix) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .integer(Int64.random(in: -1000...1000, using: &random))
        case 3, 4: .string(text(&random))
        case 5: .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth: depth - 1, &random) })
        default:
            .object(
                JSONObject(
                    Set((0..<Int.random(in: 0...3, using: &random)).map { _ in text(&random) })
                        .map { .init(key: $0, value: value(depth: depth - 1, &random)) }
                        .sorted { $0.key < $1.key }))
        }
    }

    private static func text(_ random: inout SplitMix) -> String {
        let alphabet = Array("aZ19 :-#'\"\\\n\t&*!|>%@{}[],?~=<.é\u{1F600}\u{7F}\u{85}yn")
        return String(
            (0..<Int.random(in: 0...8, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) })
    }
}

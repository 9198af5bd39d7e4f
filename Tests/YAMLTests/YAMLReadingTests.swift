import JSON
import Testing
import YAML

/// The one document of `text`.
func parse(_ text: String, limits: YAML.Limits = YAML.Limits()) throws -> JSONValue {
    try #require(try YAML.documents(text.utf8, limits: limits).first)
}

/// The error of `text`, or nil when it is taken.
func failure(_ text: String, limits: YAML.Limits = YAML.Limits()) -> String? {
    do {
        _ = try YAML.documents(text.utf8, limits: limits)
        return nil
    } catch {
        return error.description
    }
}

@Suite("YAML is read as Kubernetes' tools read it")
struct YAMLReadingTests {
    static let meanings: [(String, JSONValue)] = [
        ("", JSONValue.null), ("~", .null), ("null", .null), ("NULL", .null), ("nUll", "nUll"),
        ("true", true), ("True", true), ("yes", true), ("on", true), ("y", true), ("Y", true), ("tRue", "tRue"),
        ("no", false), ("off", false), ("N", false), ("FALSE", false),
        ("1", 1), ("+1", 1), ("-1", -1), ("1_000", 1000), ("0x1F", 31), ("0b101", 5), ("-0b11", -3),
        ("0777", 511), ("0o17", 15), ("0", 0), ("00", 0), ("08", 8), ("0x", "0x"), ("0xG", "0xG"),
        ("9223372036854775807", .integer(Int64.max)), ("-9223372036854775808", .integer(Int64.min)),
        ("18446744073709551615", JSONValue(.number("18446744073709551615"))),
        ("1.5", JSONValue(.number("1.5"))), (".5", JSONValue(.number("0.5"))), ("1e3", 1000), ("8080.0", 8080),
        ("1.", 1), ("1e999", "1e999"), ("1e", "1e"), (".", "."), ("+", "+"),
        ("1:30", "1:30"), ("2001-01-01", "2001-01-01"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("100m", "100m"), ("1Gi", "1Gi"), ("0x1g", "0x1g"), ("_1", "_1"), ("=", "="),
        ("'1'", "1"), ("\"yes\"", "yes"), ("''", ""), ("!!str 1", "1"), ("!!int \"12\"", 12), ("! 12", "12"),
        ("!!float 1", 1), ("!!bool \"true\"", true), ("!!null ''", .null),
        ("{a: 1, b: [x, 'y', y]}", ["a": 1, "b": ["x", "y", true]]),
    ]

    @Test(
        "Plain scalars have the meaning of YAML 1.1 as Kubernetes' parser has it",
        arguments: meanings)
    func scalars(_ text: String, _ expected: JSONValue) throws {
        #expect(try parse("v: \(text)")["v"] == expected)
    }

    @Test("Block scalars keep their lines")
    func blocks() throws {
        let value = try parse("a: |\n  one\n  two\nb: >-\n  one\n  two\nc: |+\n  x\n\nd: plain\n  folded\n")
        #expect(value == ["a": "one\ntwo\n", "b": "one two", "c": "x\n\n", "d": "plain folded"])
    }

    @Test("Positions are those of keys and values")
    func positions() throws {
        let value = try parse("a:\n  - b: 1\n    ünï: [2, 3]\n")
        let inner = try #require(value["a"]?.arrayValue?.first?.objectValue)
        #expect(value["a"]?.position == SourcePosition(line: 2, column: 3))
        #expect(inner.members.map(\.keyPosition) == [.init(line: 2, column: 5), .init(line: 3, column: 5)])
        #expect(inner["ünï"]?.arrayValue?.last?.position == SourcePosition(line: 3, column: 14))
    }

    @Test("A text holds several documents; those without content do not count")
    func documents() throws {
        let values = try YAML.documents("# nothing\n---\na: 1\n---\n---\nb: 2\n...\n---\n# end\n".utf8)
        #expect(values == [["a": 1], ["b": 2]])
        #expect(try YAML.documents("".utf8).isEmpty)
        #expect(try YAML.documents("{\"a\": 1}".utf8) == [["a": 1]])
        #expect(try YAML.documents("\u{FEFF}a: 1".utf8) == [["a": 1]])
        #expect(try YAML.documents("a: 1\r\nb: 2\r\n".utf8) == [["a": 1, "b": 2]])
    }

    @Test("Keys that are no strings become what JSON writes for them")
    func keys() throws {
        #expect(try parse("1: a\ntrue: b\n1.5: c\n0x10: d\n") == ["1": "a", "true": "b", "1.5": "c", "16": "d"])
        #expect(failure("~: a") == "1:1: a key cannot be null")
        #expect(failure("[a]: b") == "1:1: a key cannot be a list")
        #expect(failure("? {a: b}\n: c") == "1:3: a key cannot be an object")
    }

    @Test("Anchors stand for their values; merge keys give way to keys of the mapping itself")
    func anchors() throws {
        let text = """
            base: &base {cpu: 1, memory: 2}
            more: &more {memory: 3, disk: 4}
            one: {<<: *base, cpu: 9}
            two: {<<: [*base, *more]}
            three: {'<<': literal}
            list: [&x 7, *x]
            """
        let value = try parse(text)
        #expect(value["one"] == ["cpu": 9, "memory": 2])
        #expect(value["two"] == ["cpu": 1, "memory": 2, "disk": 4])
        #expect(value["three"] == ["<<": "literal"])
        #expect(value["list"] == [7, 7])
    }

    @Test(
        "What cannot be read is refused with line and column",
        arguments: [
            ("a: 1\nb: 2\na: 3\n", "3:1: duplicate key \"a\""),
            ("a: {b: 1, b: 2}", "1:11: duplicate key \"b\""),
            ("1: a\n'1': b", "2:1: duplicate key \"1\""),
            ("<<: {a: 1}\n<<: {b: 1}", "2:1: duplicate key \"<<\""),
            ("a: *b", "1:4: unknown anchor 'b'"),
            ("a: &a [1, *a]", "1:11: the value of anchor 'a' contains itself"),
            ("a: &x 1\n---\nb: *x", "3:4: unknown anchor 'x'"),
            ("a: {<<: 1}", "1:9: '<<' needs a mapping or a list of mappings, found an integer"),
            ("a: {<<: [1]}", "1:10: '<<' needs mappings, found an integer"),
            ("a: !foo b", "1:4: unsupported tag !foo"),
            ("a: !!binary YQ==", "1:4: unsupported tag !!binary"),
            ("a: !!set {b}", "1:4: unsupported tag !!set"),
            ("a: !!int x", "1:4: \"x\" does not fit its tag !!int"),
            ("a: .inf", "1:4: .inf is no number that can be used here"),
            ("a: .nan", "1:4: .nan is no number that can be used here"),
            ("a: b: c", "1:5: mapping values are not allowed in this context"),
            ("a: [1, 2", "2:1: did not find expected ',' or ']' while parsing a flow sequence"),
            ("\ta: 1", "1:1: found character that cannot start any token while scanning for the next token"),
            ("a: \"x", "1:6: found unexpected end of stream while scanning a quoted scalar"),
            ("a: 1\nb: \u{1}", "2:4: control characters are not allowed"),
        ])
    func refusals(_ text: String, _ message: String) {
        #expect(failure(text) == message)
    }

    @Test("Bytes that are no UTF-8 are refused")
    func badBytes() {
        #expect(throws: YAMLError("invalid leading UTF-8 octet", at: .init(line: 2, column: 4))) {
            try YAML.documents(Array("a: 1\nb: ".utf8) + [0xFF, 0x0A])
        }
    }
}

import Base
import CLinux
import JSON
import TestSupport
import Testing
import YAML

@testable import CLI

@Suite struct JSONPathTests {
    /// The input of the examples at https://kubernetes.io/docs/reference/kubectl/jsonpath/
    static let documented = """
        {"kind": "List", "items": [
          {"kind": "None", "metadata": {"name": "127.0.0.1", "labels": {"kubernetes.io/hostname": "127.0.0.1"}},
           "status": {"capacity": {"cpu": "4"}, "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.1"}]}},
          {"kind": "None", "metadata": {"name": "127.0.0.2"},
           "status": {"capacity": {"cpu": "8"}, "addresses": [
             {"type": "LegacyHostIP", "address": "127.0.0.2"}, {"type": "another", "address": "127.0.0.3"}]}}],
         "users": [{"name": "myself", "user": {}},
                   {"name": "e2e", "user": {"username": "admin", "password": "secret"}}]}
        """

    private static func text(_ template: String, _ json: String = documented) throws -> String {
        try JSONPathTemplate(template).text(of: try JSONParser.parse(Array(json.utf8)))
    }

    @Test(arguments: [
        ("kind is {.kind}", "kind is List"), ("{.kind}", "List"), ("{['kind']}", "List"), ("{@.kind}", "List"),
        ("{..name}", "127.0.0.1 127.0.0.2 myself e2e"), ("{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"),
        ("{.users[0].name}", "myself"),
        ("{.items[*]['metadata.name', 'status.capacity']}", #"127.0.0.1 127.0.0.2 {"cpu":"4"} {"cpu":"8"}"#),
        (#"{.users[?(@.name=="e2e")].user.password}"#, "secret"),
        (
            "{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}",
            #"[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] "#
        ),
        (#"{range .items[*]}{.metadata.name}{'\t'}{end}"#, "127.0.0.1\t127.0.0.2\t"),
        (#"{.items[0].metadata.labels.kubernetes\.io/hostname}"#, "127.0.0.1"),
        ("{.items[-1].metadata.name}", "127.0.0.2"), ("{.items[-1:].metadata.name}", "127.0.0.2"),
        ("{.items[*].status.addresses[?(@.type!='another')].address}", "127.0.0.1 127.0.0.2"),
        ("{range .items[*]}{range .status.addresses[*]}{.type};{end}|{end}.", "LegacyHostIP;|LegacyHostIP;another;|."),
        ("{.nothing.at.all}", ""), ("{range .nothing[*]}x{end}y", "y"), ("no path", "no path"), ("", ""),
    ]) func theDocumentedExamplesGiveWhatIsDocumented(template: String, wanted: String) throws {
        #expect(try Self.text(template) == wanted)
    }

    @Test(arguments: [
        "{.a", "{.a[}", "{.a[x]}", "{.a[?(@.b}", "{.a[?(@.b)}", "{.a[?(@.b=)]}", "{.a[?(@.b=!1)]}", "{'a}", "{a}",
        "{end}", "{.a[0:1:0]}", "{....a}", "{.a[]}", #"{'\q'}"#, #"{'\u12'}"#, "{#}", "{.a[1:2:3:4]}", "{1.2.3}",
        "{.a[99999999999999999999]}",
    ]) func aTemplateThatIsNoneIsRefusedWithItsPlace(template: String) {
        #expect(throws: JSONPathError.self) { try JSONPathTemplate(template) }
    }

    @Test(arguments: ["{.users[7]}", "{.kind[0]}", "{.users[1:9]}", "{.users[?(@.name>1)]}", "{.kind[?(@.a)]}"])
    func aPlaceThatIsNotThereIsAnError(template: String) {
        #expect(throws: JSONPathError.self) { try Self.text(template) }
    }

    @Test func bracesAndTheFirstDotMayBeMissingWhereOnePathIsMeant() throws {
        let value = try JSONParser.parse(Array(Self.documented.utf8))
        for text in ["{.kind}", ".kind", "kind", "{kind}"] {
            #expect(try JSONPathTemplate(relaxed: text).values(in: value) == ["List"])
        }
        #expect(throws: JSONPathError.self) { try JSONPathTemplate(relaxed: "") }
    }

    @Test func anyTextIsReadOrRefusedAndNeverMore() throws {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "{", "}", "[", "]", "?(", ")", "@", ".", "..", "'", "\"", "\\", "*", ":", ",", "-1", "7", "name", "range ",
            "end", "==", "<", " ", "items", "users", "é", "\n",
        ]
        let value = try JSONParser.parse(Array(Self.documented.utf8))
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }.joined()
            _ = try? JSONPathTemplate(text).text(of: value)
        }
    }

    // MARK: Beside kubectl

    static let pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: default, labels: {app: web, "kubernetes.io/os": "linux<x>"}}
        spec:
          priority: 7
          containers:
          - {name: a, image: "i:1", ports: [{containerPort: 80}, {containerPort: 443}], stdin: true}
          - {name: b, image: "i:2", args: [x, "y z"]}
          - {name: c, image: "i:3"}
        """

    /// The same object, printed as kubectl prints it from a file.
    @Test(.enabled(if: access("/usr/bin/kubectl", X_OK) == 0, "needs kubectl"))
    func documentsLookAsKubectlsDo() throws {
        let folder = try TemporaryDirectory()
        let script = #"args: ["a: b", 'yes', '012', "x\ny\n", '', ' s', '- d', "t\t", '1e3', '~', ünï, "<&>"]"#
        let file = try folder.write("pod.yaml", Self.pod.replacing("args: [x, \"y z\"]", with: script))
        func kubectl(_ format: String) throws -> String {
            try outputOf("/usr/bin/kubectl", ["label", "--local", "-f", file, "x=y", "-o", format])
        }
        let object = try JSONParser.parse(Array(try kubectl("json").utf8))
        #expect(String(decoding: Documents.json(object), as: UTF8.self) == (try kubectl("json")))
        #expect(YAMLWriter.text(object) == (try kubectl("yaml")))
    }

    /// Not on every machine; where it is, the same template says the same. (Members of objects come in any order
    /// there.)
    @Test(
        .enabled(if: access("/usr/bin/kubectl", X_OK) == 0, "needs kubectl"),
        arguments: [
            "{$.metadata.name}", "{.metadata.labels}", #"{.metadata.labels['kubernetes\.io/os']}"#,
            "{.spec.containers[-1].name}", "{.spec.containers[-2:].name}", "{.spec.containers[0:3:2].name}",
            "{.spec.containers[0,2].name}", "{.spec.containers[*]['name','image']}", "{..containerPort}",
            "{.spec.containers[?(@.ports)].name}", "{.spec.containers[?(@.ports[0].containerPort>79)].name}",
            "{.spec.containers[?(@.stdin==true)].name}", "{.spec.containers[?(@.image>='i:2')].name}",
            #"{range .spec.containers[*]}{.name}{"\t"}{range .ports[*]}{.containerPort};{end}{"\n"}{end}x"#,
            "{range .spec.containers[*]}{.name}", "{.spec.priority}{true}{12}{1.5}", ".metadata.name",
            "{.spec.containers[1:1].name}", "{.spec.containers[:1].name}", "{.spec.containers[::2].name}",
            "{ .metadata.name }", "{.metadata.name .kind}", "{.metadata['name','namespace']}", #"{"a" "b"}"#,
        ]) func aTemplateSaysWhatKubectlSays(template: String) throws
    {
        let folder = try TemporaryDirectory()
        let file = try folder.write("pod.yaml", Self.pod)
        let wanted = try outputOf(
            "/usr/bin/kubectl", ["label", "--local", "-f", file, "x=y", "-o", "jsonpath=" + template])
        let object = try outputOf("/usr/bin/kubectl", ["label", "--local", "-f", file, "x=y", "-o", "json"])
        #expect(try Self.text(template, object) == wanted)
    }
}

import Base
import JSON
import Kube
import NodeAPITestSupport
import TestSupport
import Testing
import YAML

@testable import CLI

@Suite struct ObjectCommandTests {
    private static let map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, labels: {app: web}}\ndata: {color: red}\n"
    private static let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: hunter2}\n"

    @Test func configMapsAndSecretsAreAppliedAndDeletedAsPodsAre() throws {
        let folder = try ManifestCommandTests.root()
        let podspecs = folder.path + "/etc/podspecs"
        let all = ManifestCommandTests.manifest("web") + "---\n" + Self.map + "---\n" + Self.secret
        let file = try folder.write("all.yaml", all)
        #expect(
            run("validate -f \(file)", root: folder.path).output.contains("configmap default/web, secret default/web"))
        let done = run("apply -f \(file)", root: folder.path)
        #expect(done.output == "configmap/web created\nsecret/web created\npod/web created\n", "\(done)")
        #expect(try Files.list(podspecs) == ["web.yaml", "web_configmap.yaml", "web_secret.yaml"])
        #expect(run("apply -f \(file)", root: folder.path).output.contains("secret/web unchanged"))
        try folder.write("all.yaml", all.replacing("hunter2", with: "hunter3"))
        #expect(run("apply -f \(file)", root: folder.path).output.contains("secret/web configured"))
        #expect(try Files.readText(podspecs + "/web_secret.yaml").contains("hunter3"))
        for format in ["json", "yaml", "name"] {
            let shown = run("apply -f \(file) -o \(format) --dry-run", root: folder.path)
            #expect(shown.code == 0 && !shown.output.contains("hunter"), "\(shown)")
        }
        #expect(run("delete configmap web", root: folder.path).output == "configmap \"web\" deleted\n")
        #expect(run("delete secrets --all --dry-run", root: folder.path).output == "secret \"web\" deleted (dry run)\n")
        let missing = run("delete cm web", root: folder.path)
        #expect(missing.code == 1 && missing.errors.contains("names configmap default/web"))
        #expect(run("delete -f \(file) --ignore-not-found", root: folder.path).code == 0)
        #expect(try Files.list(podspecs) == [])
        let moved = run("apply -f \(file) -n other", root: folder.path)
        #expect(moved.code == 0, "\(moved)")
        #expect(try Files.list(podspecs) == ["other_web.yaml", "other_web_configmap.yaml", "other_web_secret.yaml"])
    }

    @Test func aDiffSaysWhichValuesOfASecretDifferAndNeverWhat() throws {
        let node = try BackgroundNode { node, root in node.manifestFolder = root + "/etc/podspecs" }
        defer { node.stop() }
        try Files.makeDirectories(node.folder.path + "/etc/podspecs")
        let file = try node.folder.write("all.yaml", Self.map + "---\n" + Self.secret)
        #expect(run("apply -f \(file)", root: node.folder.path).code == 0)
        #expect(run("diff -f \(file)", root: node.folder.path).output == "")
        try node.folder.write(
            "all.yaml", Self.map.replacing("red", with: "blue") + "---\n" + Self.secret.replacing("hunter2", with: "h3")
        )
        let different = run("diff -f \(file)", root: node.folder.path)
        #expect(different.code == 1)
        for line in ["-  color: red", "+  color: blue", "+++ MANIFEST/v1.Secret.default.web"] {
            #expect(different.output.contains(line), "\(different.output)")
        }
        #expect(different.output.contains("(before)") && different.output.contains("(after)"))
        #expect(!different.output.contains("hunter2") && !different.output.contains("h3"))
    }

    private static func fill(_ node: FakeNode, _ root: String) {
        node.objectList = [
            DataObject(
                .configMap, ObjectMeta(name: "m", namespace: "default", labels: ["a": "b"]),
                data: ["color": Array("red".utf8)], binaryData: ["raw": [0xFF]]),
            DataObject(.configMap, ObjectMeta(name: "far", namespace: "other")),
            DataObject(.secret, ObjectMeta(name: "s", namespace: "default"), data: ["p": Array("hunter2".utf8)]),
        ]
    }

    @Test func bothAreListedAndASecretsValuesAreShownNowhere() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        let root = node.folder.path
        #expect(run("get configmaps", root: root).output == "NAME   DATA\nm      2\n")
        #expect(run("get cm -A", root: root).output.contains("other       far    0"))
        #expect(run("get cm -l a=b -o name", root: root).output == "configmap/m\n")
        #expect(run("get cm m -o jsonpath={.data.color}", root: root).output == "red")
        #expect(run("get secrets", root: root).output == "NAME   TYPE     DATA\ns      Opaque   1\n")
        for format in ["yaml", "json", "wide", "jsonpath={.data}", "custom-columns=P:.data.p"] {
            let shown = run("get secret s -o \(format)", root: root)
            #expect(shown.code == 0 && !shown.output.contains("hunter2") && !shown.output.contains("aHVudGVyMg"))
        }
        #expect(run("get secret/s -o jsonpath={.data.p}", root: root).output == "<7 bytes>")
        let missing = run("get secret none", root: root)
        #expect(missing.code == 1 && missing.errors == "error: secrets \"none\" not found\n")
        #expect(run("get secret none --ignore-not-found", root: root).code == 0)
    }

    @Test func aBundleHasNoValueOfASecretInWhateverForm() throws {
        let forms = [
            Self.secret, "{apiVersion: v1, kind: List, items: [{kind: Secret, data: {x: aHVudGVyMg==}}]}",
            "{kind: Secrt, stringData: {x: hunter2}}", "{data: {x: hunter2}}",
        ]
        for form in forms {
            let value = try #require(try YAMLDocument.first(form))
            let text = JSONWriter().text(Redaction.value(value))
            #expect(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "\(text)")
        }
        let open = try #require(try YAMLDocument.first(Self.map))
        #expect(Redaction.value(open)["data"]?["color"] == "red")
    }
}

private enum YAMLDocument {
    static func first(_ text: String) throws -> JSONValue? { try YAML.documents(text.utf8).first }
}

import Base
import CLinux
import JSON
import NodeAPI
import NodeAPITestSupport
import Synchronization
import TestSupport
import Testing

@testable import CLI

@Suite struct ManifestCommandTests {
    static func manifest(_ name: String, image: String = "busybox", namespace: String? = nil) -> String {
        let place = namespace.map { ", namespace: \($0)" } ?? ""
        return """
            # Kept as it is.
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)\(place), labels: {app: \(name)}}
            spec:
              containers: [{name: main, image: \(image)}]

            """
    }

    /// A root without an agent.
    static func root() throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        try Files.makeDirectories(folder.path + "/etc/podspecs")
        return folder
    }

    @Test func aManifestIsWrittenOnceAndAsItCame() throws {
        let folder = try Self.root()
        let file = try folder.write("web.yaml", Self.manifest("web"))
        let place = folder.path + "/etc/podspecs/web.yaml"
        let dry = run("apply -f \(file) --dry-run=client", root: folder.path)
        #expect(dry.code == 0 && dry.output == "pod/web created (dry run)\n" && !Files.exists(place))
        let first = run("apply -f \(file)", root: folder.path)
        #expect(first.code == 0 && first.output == "pod/web created\n")
        #expect(first.errors == "the agent is not running; the pods start when it does\n")
        #expect(try Files.readText(place) + "\n" == Self.manifest("web"))
        #expect(run("apply -f \(file)", root: folder.path).output == "pod/web unchanged\n")
        try folder.write("web.yaml", Self.manifest("web", image: "nginx"))
        #expect(run("apply -f \(file)", root: folder.path).output == "pod/web configured\n")
        #expect(try Files.readText(place).contains("nginx"))
    }

    @Test func nothingIsWrittenWhenOneOfManyIsWrong() throws {
        let folder = try Self.root()
        try Files.makeDirectories(folder.path + "/new")
        let good = try folder.write("new/a.yaml", Self.manifest("a") + "---\n" + Self.manifest("b", namespace: "other"))
        let bad = try folder.write("new/c.yaml", Self.manifest("c").replacing("image:", with: "imagee:"))
        let refused = run("apply -f \(folder.path)/new", root: folder.path)
        #expect(refused.code == 1 && refused.errors.contains("\(bad):6:29: spec.containers[0].imagee: unknown field"))
        #expect(try Files.list(folder.path + "/etc/podspecs").isEmpty)
        let done = run("apply -f \(good)", root: folder.path)
        #expect(done.output == "pod/a created\npod/b created\n")
        #expect(try Files.list(folder.path + "/etc/podspecs") == ["a.yaml", "other_b.yaml"])
        #expect(run("apply -f \(good) -f \(good)", root: folder.path).errors.contains("also named by"))
        #expect(run("apply -f \(good) -n third", root: folder.path).errors.contains("not of the namespace \"third\""))
        #expect(run("apply", root: folder.path).code == 2)
    }

    @Test func aManifestWithAMistakeIsKeptWhenItIsReplaced() throws {
        let folder = try Self.root()
        let work = Self.manifest("web").replacing("image:", with: "imagee:")
        let place = try folder.write("etc/podspecs/web.yaml", work)
        let file = try folder.write("web.yaml", Self.manifest("web"))
        let done = run("apply -f \(file)", root: folder.path)
        #expect(done.code == 0 && done.errors.contains("could not be read; it is kept as \(place)~"))
        #expect(try Files.read(place + "~") == Array(work.utf8))
        #expect(try Files.read(place) == Array(Self.manifest("web").utf8))
        try Files.remove(place + "~")
        try folder.write("web.yaml", Self.manifest("web", image: "nginx"))
        #expect(!run("apply -f \(file)", root: folder.path).errors.contains("kept as"))
        #expect(!Files.exists(place + "~"))
    }

    @Test func aPodThatStandsInAFileWithOthersIsLeftToItsAuthor() throws {
        let folder = try Self.root()
        try folder.write("etc/podspecs/both.yaml", Self.manifest("a") + "---\n" + Self.manifest("b"))
        let file = try folder.write("a.yaml", Self.manifest("a", image: "nginx"))
        let refused = run("apply -f \(file)", root: folder.path)
        #expect(refused.code == 1 && refused.errors.contains("together with default/b"))
        #expect(run("delete pod a", root: folder.path).errors.contains("together with default/b"))
        #expect(run("delete pod a b", root: folder.path).output == "pod \"a\" deleted\npod \"b\" deleted\n")
        #expect(try Files.list(folder.path + "/etc/podspecs").isEmpty)
    }

    @Test func aGracePeriodIsToldBeforeTheManifestGoes() throws {
        let asked = Mutex<[String]>([])
        let node = try BackgroundNode { node, root in
            node.manifestFolder = root + "/etc/podspecs"
            node.setPod("web", phase: "Running")
            node.setPod("db", phase: "Running")
        }
        defer { node.stop() }
        for name in ["web", "db", "away"] {
            try node.folder.write("etc/podspecs/\(name).yaml", Self.manifest(name))
        }
        let root = node.folder.path
        #expect(run("delete pod web --now --force --wait=false", root: root).code == 2)
        #expect(run("delete pod web away --grace-period 7 --wait=false", root: root).code == 0)
        #expect(run("delete pod db --grace-period -1 --wait=false", root: root).code == 0)
        node.perform { node in asked.withLock { $0 = node.controls } }
        #expect(run("get pods", root: root).code == 0)
        #expect(asked.withLock { $0 } == ["grace web 7"])
        #expect(try Files.list(root + "/etc/podspecs").isEmpty)
    }

    @Test func podsAreDeletedByNameFileAndLabel() throws {
        let folder = try Self.root()
        for name in ["a", "b", "c"] { try folder.write("etc/podspecs/\(name).yaml", Self.manifest(name)) }
        func left() throws -> [String] { try Files.list(folder.path + "/etc/podspecs") }
        #expect(run("delete pod a --dry-run", root: folder.path).output == "pod \"a\" deleted (dry run)\n")
        #expect(try left().count == 3)
        #expect(run("delete pod/a", root: folder.path).output == "pod \"a\" deleted\n")
        #expect(run("delete -f \(folder.path)/etc/podspecs/b.yaml", root: folder.path).code == 0)
        #expect(run("delete pods -l app=c", root: folder.path).code == 0)
        #expect(try left().isEmpty)
        let missing = run("delete pod a", root: folder.path)
        #expect(missing.code == 1 && missing.errors == "error: pods \"a\" not found\n")
        #expect(run("delete pod a --ignore-not-found", root: folder.path).code == 0)
        #expect(run("delete a", root: folder.path).code == 2)
        #expect(run("delete", root: folder.path).code == 2)
    }

    @Test func theConfigurationSaysWhereManifestsAre() throws {
        let folder = try Self.root()
        try Files.makeDirectories(folder.path + "/srv/pods")
        try folder.write("etc/swiftlet/config.yaml", "kind: KubeletConfiguration\nstaticPodPath: /srv/pods\n")
        let file = try folder.write("web.yaml", Self.manifest("web"))
        #expect(run("apply -f \(file)", root: folder.path).code == 0)
        #expect(try Files.list(folder.path + "/srv/pods") == ["web.yaml"])
    }

    @Test func aDeletionWaitsUntilThePodIsGone() throws {
        let node = try BackgroundNode { node, root in
            node.setPod("web", phase: "Running")
            node.manifestFolder = root + "/etc/podspecs"
        }
        defer { node.stop() }
        try node.folder.write("etc/podspecs/web.yaml", Self.manifest("web"))
        let slow = run("delete pod web --timeout 0s", root: node.folder.path)
        #expect(slow.code == 1 && slow.errors == "error: timed out waiting for the condition\n")
        try node.folder.write("etc/podspecs/web.yaml", Self.manifest("web"))
        #expect(run("delete pod web --wait=false", root: node.folder.path).code == 0)
        try node.folder.write("etc/podspecs/web.yaml", Self.manifest("web"))
        node.perform { node in node.loop.schedule(after: .milliseconds(50)) { node.removePod("web") } }
        #expect(run("delete pod web", root: node.folder.path).code == 0)
        #expect(run("delete pod web", root: node.folder.path).code == 1)
    }

    @Test func whatRunsIsComparedWithTheManifest() throws {
        let node = try BackgroundNode { node, _ in
            node.podsByName["web"] = [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": ["name": "web", "namespace": "default", "uid": "u", "labels": ["app": "web"]],
                "spec": ["containers": [["name": "main", "image": "nginx:1"]], "nodeName": "n"],
            ]
        }
        defer { node.stop() }
        let file = try node.folder.write("web.yaml", Self.manifest("web", image: "nginx:2"))
        let different = run("diff -f \(file)", root: node.folder.path)
        #expect(different.code == 1)
        #expect(different.output.hasPrefix("diff -u LIVE/v1.Pod.default.web MANIFEST/v1.Pod.default.web\n--- LIVE"))
        #expect(different.output.contains("\n-  - image: nginx:1\n+  - image: nginx:2\n"))
        #expect(run("diff -f /no/such", root: node.folder.path).code == 2)
    }

    @Test(arguments: [
        ("a\nb\nc\n", "a\nb\nc\n", [String]()), ("", "a\n", ["@@ -0,0 +1 @@", "+a"]),
        ("a\n", "", ["@@ -1 +0,0 @@", "-a"]),
        (
            "1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\nx\n5\n6\n7\n",
            ["@@ -1,7 +1,7 @@", " 1", " 2", " 3", "-4", "+x", " 5", " 6", " 7"]
        ),
        (
            "a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "1\n2\n3\n4\n5\n6\n7\n8\nc\n",
            ["@@ -1,4 +1,3 @@", "-a", " 1", " 2", " 3", "@@ -7,4 +6,4 @@", " 6", " 7", " 8", "-b", "+c"]
        ),
    ]) func differencesAreShownAsDiffDoes(old: String, new: String, wanted: [String]) {
        #expect(UnifiedDiff(old, new).text == wanted)
        #expect(UnifiedDiff(old, new).isEmpty == wanted.isEmpty)
    }

    @Test func aWaitEndsWhenWhatIsWaitedForIsSo() throws {
        let node = try BackgroundNode { node, _ in
            node.setPod("a", phase: "Pending")
            node.podsByName["r"] = [
                "metadata": ["name": "r", "namespace": "default", "labels": ["app": "x"]],
                "status": ["conditions": [["type": "Ready", "status": "True"]]],
            ]
        }
        defer { node.stop() }
        let root = node.folder.path
        #expect(run("wait pod/r --for=condition=ready", root: root).output == "pod/r condition met\n")
        #expect(run("wait pods -l app=x --for=condition=Ready=true", root: root).code == 0)
        #expect(run("wait pod a --for=jsonpath={.status.phase}=Pending", root: root).code == 0)
        #expect(run("wait pod a --for=jsonpath=.status.phase", root: root).code == 0)
        #expect(run("wait pod nobody --for=delete", root: root).output == "pod/nobody condition met\n")
        #expect(run("wait pod nobody --for=condition=Ready", root: root).errors.contains("\"nobody\" not found"))
        let late = run("wait pod a --for=condition=Ready --timeout=0s", root: root)
        #expect(late.code == 1 && late.errors == "error: timed out waiting for the condition on pods/a\n")
        node.perform { node in node.loop.schedule(after: .milliseconds(20)) { node.setPod("a", phase: "Running") } }
        #expect(run("wait pod a --for=jsonpath={.status.phase}=Running", root: root).code == 0)
        node.perform { node in node.loop.schedule(after: .milliseconds(20)) { node.removePod("a") } }
        #expect(run("wait pod a --for=delete", root: root).code == 0)
        node.perform { node in node.loop.schedule(after: .milliseconds(20)) { node.setPod("b", phase: "Pending") } }
        #expect(run("wait pod b --for=create", root: root).code == 0)
        for wrong in ["wait pod a", "wait pod a --for=x", "wait pod a --for=jsonpath={", "wait --for=delete"] {
            #expect(run(wrong, root: root).code == 2, "\(wrong)")
        }
    }
}

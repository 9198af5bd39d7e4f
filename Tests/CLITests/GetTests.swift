import Base
import JSON
import NodeAPITestSupport
import Synchronization
import TestSupport
import Testing

@testable import CLI

@Suite struct GetTests {
    static func fill(_ node: FakeNode, _ root: String) {
        CommandTests.fill(node, root)
        node.podsByName = [
            "a": pod("a", "Running", labels: ["app": "web", "tier": "front"]),
            "b": pod("b", "Failed", labels: ["app": "db"]), "c": pod("c", "Running", labels: [:]),
        ]
        node.problemList = []
    }

    static func pod(_ name: String, _ phase: String, labels: [String: String]) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": "default", "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": .object(
                    JSONObject(labels.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) })),
            ],
            "spec": [
                "containers": [
                    [
                        "name": "main", "image": .string("image-\(name)"),
                        "volumeMounts": [["name": "data", "mountPath": "/data", "readOnly": true]],
                    ]
                ],
                "volumes": [["name": "data", "hostPath": ["path": .string("/srv/\(name)"), "type": ""]]],
            ],
            "status": ["phase": .string(phase)],
        ]
    }

    @Test func severalNamesAndSelectorsChooseThePods() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        func names(_ line: String) -> String { run(line, root: node.folder.path).output }
        #expect(names("get pods a c -o name") == "pod/a\npod/c\n")
        #expect(names("get pods -l app=web -o name") == "pod/a\n")
        #expect(names("get pods -l app -o name") == "pod/a\npod/b\n")
        #expect(names("get pods -l !app -o name") == "pod/c\n")
        #expect(names("get pods --field-selector status.phase=Running -o name") == "pod/a\npod/c\n")
        #expect(names("get pods --sort-by=.metadata.labels.app -o name") == "pod/c\npod/b\npod/a\n")
        #expect(run("get pods a -l app", root: node.folder.path).code == 2)
        #expect(run("get pods nobody --ignore-not-found", root: node.folder.path).code == 0)
        let some = run("get pods a nobody -o name", root: node.folder.path)
        #expect(some.code == 1 && some.output == "pod/a\n" && some.errors.contains("pods \"nobody\" not found"))
    }

    @Test func labelsAndTemplatesAreShownAsKubectlDoes() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        let root = node.folder.path
        #expect(
            run("get pods --show-labels -L example.com/app,app", root: root).output == """
                NAME   READY   STATUS    RESTARTS   AGE   APP   APP   LABELS
                a      0/1     Running   0          10m         web   app=web,tier=front
                b      0/1     Failed    0          10m         db    app=db
                c      0/1     Running   0          10m               <none>

                """)
        #expect(run("get pods -o jsonpath={.items[*].metadata.name}", root: root).output == "a b c")
        #expect(run("get pod a -o jsonpath={.metadata.name}", root: root).output == "a")
        #expect(run("get pods -o jsonpath={.items[9]}", root: root).errors.contains("out of bounds"))
        #expect(run("get pods -o jsonpath={", root: root).code == 2)
        #expect(
            run("get pods -o custom-columns=NAME:.metadata.name,APP:.metadata.labels.app", root: root).output == """
                NAME   APP
                a      web
                b      db
                c      <none>

                """)
    }

    @Test func volumesAreListed() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        #expect(
            run("get volumes -l app=web", root: node.folder.path).output == """
                POD   NAME   TYPE       SOURCE   MOUNTED AT
                a     data   hostPath   /srv/a   main:/data (ro)

                """)
        let json = run("get volumes -o jsonpath={.items[*].source}", root: node.folder.path)
        #expect(json.output == "/srv/a /srv/b /srv/c")
    }

    @Test func aWatchTellsWhatHappenedAndOnlyOfWhatIsWanted() throws {
        let node = try BackgroundNode(Self.fill)
        let writes = Mutex(0)
        var output: [UInt8] = []
        let tool = Tool(
            root: node.folder.path,
            output: Output { bytes in
                output += bytes
                switch writes.withLock({
                    $0 += 1
                    return $0
                }) {
                case 1:
                    node.perform {
                        $0.removePod("b")
                        $0.removePod("a")
                    }
                case 2: node.perform { $0.loop.stop() }
                default: break
                }
            }, say: { _ in })
        #expect(CommandLineTool.run(["get", "pods", "-w", "--output-watch-events", "-l", "app=web"], tool) == 3)
        node.stop()
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n").map { $0.prefix(18) }
        #expect(lines == ["EVENT   NAME   REA", "ADDED   a      0/1", "DELETED   a      0"])
    }

    @Test func aWatchOfAPodThatIsNotThereFails() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        let result = run("get pod nobody -w", root: node.folder.path)
        #expect(result.code == 1 && result.errors == "error: pods \"nobody\" not found\n")
    }
}

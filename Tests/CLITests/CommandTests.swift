import Base
import CLinux
import HTTP
import JSON
import Kube
import NodeAPI
import NodeAPITestSupport
import PodProtocol
import Synchronization
import TestSupport
import Testing

@testable import CLI

/// What a command said and how it ended.
struct Ran {
    var code: Int32
    var output: String
    var errors: String
}

func run(_ line: String, root: String) -> Ran {
    var output: [UInt8] = []
    var errors = ""
    var tool = Tool(root: root, output: Output { output += $0 }, say: { errors += $0 + "\n" })
    tool.now = { Timestamp(rfc3339: "2026-01-01T00:10:00Z")! }
    tool.usesUTC = true
    tool.pause = { _ in }
    let code = CommandLineTool.run(line.split(separator: " ").map(String.init), tool)
    return Ran(code: code, output: String(decoding: output, as: UTF8.self), errors: errors)
}

@Suite struct CommandTests {
    static func webPod(_ name: String, _ status: JSONValue) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z",
            ],
            "spec": [
                "nodeName": "node",
                "containers": [["name": "main", "image": "busybox"], ["name": "side", "image": "x"]],
            ],
            "status": status,
        ]
    }

    static func fill(_ node: FakeNode, _ root: String) {
        node.podsByName = [
            "web-node": webPod(
                "web-node",
                [
                    "phase": "Running", "podIP": "10.0.0.5",
                    "containerStatuses": [
                        ["name": "main", "ready": true, "restartCount": 0, "state": ["running": [:]]],
                        ["name": "side", "ready": true, "restartCount": 0, "state": ["running": [:]]],
                    ],
                ]),
            "batch-node": webPod("batch-node", ["phase": "Pending"]),
        ]
        node.problemList = [
            ManifestProblem(
                path: "/etc/podspecs/a.yaml", line: 3, column: 5, message: "unknown field (did you mean \"image\"?)",
                keepsRunning: "default/web-node")
        ]
        node.eventList = [
            [
                "metadata": ["namespace": "default"], "type": "Normal", "reason": "Started", "message": "Started it",
                "count": 1, "lastTimestamp": "2026-01-01T00:09:00Z",
                "involvedObject": ["kind": "Pod", "name": "web-node", "namespace": "default", "uid": "u1"],
            ]
        ]
        node.imageList = [
            ImageSummary(
                names: ["docker.io/library/busybox:latest"], digest: "sha256:aa", id: "sha256:0123456789abcdef",
                size: 4_270_000, created: Timestamp(rfc3339: "2025-12-31T00:10:00Z"), usedBy: ["default/web-node"])
        ]
        node.logSources["web-node/main"] = LogSource(folder: root + "/logs", attempt: 0, isComplete: true)
    }

    @Test func podsAreListedWithWhatIsWrongBelow() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        let list = run("get pods", root: node.folder.path)
        #expect(list.code == 0 && list.errors == "")
        #expect(
            list.output == """
                NAME         READY   STATUS    RESTARTS   AGE
                batch-node   0/2     Pending   0          10m
                web-node     2/2     Running   0          10m

                PROBLEMS
                /etc/podspecs/a.yaml:3:5: unknown field (did you mean "image"?) (default/web-node keeps running as it was)

                """)
        let wide = run("get po -A -o wide web-node", root: node.folder.path)
        #expect(
            wide.output == """
                NAMESPACE   NAME       READY   STATUS    RESTARTS   AGE   IP         NODE   NOMINATED NODE   READINESS GATES
                default     web-node   2/2     Running   0          10m   10.0.0.5   node   <none>           <none>

                """)
        #expect(run("get pods -o name", root: node.folder.path).output == "pod/batch-node\npod/web-node\n")
        #expect(run("get pods -o name", root: node.folder.path).errors.hasPrefix("warning: /etc/podspecs/a.yaml:3:5: "))
        #expect(run("get pods --no-headers web-node", root: node.folder.path).output.hasPrefix("web-node   2/2"))
        let other = run("get pods -n other", root: node.folder.path)
        #expect(other.code == 0 && other.errors == "No resources found in other namespace.\n")
    }

    @Test func onePodIsPrintedAsKubectlDoes() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        let json = run("get pod/batch-node -o json", root: node.folder.path)
        #expect(json.output.hasPrefix("{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"Pod\",\n    \"metadata\": {\n"))
        let yaml = run("get pod batch-node -o yaml", root: node.folder.path)
        #expect(yaml.output.hasPrefix("apiVersion: v1\nkind: Pod\nmetadata:\n"))
        let list = try JSONParser.parse(Array(run("get pods -o json", root: node.folder.path).output.utf8))
        #expect(list["kind"] == "List" && list["items"]?.arrayValue?.count == 2)
        let missing = run("get pod web", root: node.folder.path)
        #expect(missing.code == 1 && missing.output == "")
        #expect(missing.errors == "error: pods \"web\" not found; did you mean \"web-node\"?\n")
        let described = run("describe pod web-node", root: node.folder.path)
        #expect(described.output.contains("Node:         node\n") && described.output.contains("Started it"))
    }

    @Test func aWatchPrintsEveryChangeInLine() throws {
        let node = try BackgroundNode(Self.fill)
        let lines = Mutex(0)
        var output: [UInt8] = []
        let tool = Tool(
            root: node.folder.path,
            output: Output { bytes in
                output += bytes
                // The list is there; then a change, then the end of the agent.
                switch lines.withLock({
                    $0 += 1
                    return $0
                }) {
                case 1: node.perform { $0.setPod("web-node", phase: "Failed") }
                case 2: node.perform { $0.loop.stop() }
                default: break
                }
            }, say: { _ in })
        #expect(CommandLineTool.run(["get", "pods", "-w"], tool) == 3)
        node.stop()
        let text = String(decoding: output, as: UTF8.self).split(separator: "\n")
        #expect(text.count == 4 && text[3].hasPrefix("web-node     0/0     Failed    0"))
    }

    @Test func aPodThatWaitsForItsImageTellsHowFarThatIs() throws {
        let node = try BackgroundNode { node, _ in
            node.setPod("web", phase: "Pending", state: "ContainerCreating")
            node.setPod("other", phase: "Pending", state: "ContainerCreating")
            node.pullList = [
                PodPull(
                    namespace: "default", pod: "web", container: "main", image: "app",
                    progress: ImageProgress(.downloading, bytesDone: 5_000_000, bytes: 10_000_000), seconds: 7)
            ]
        }
        defer { node.stop() }
        let lines = run("get pods", root: node.folder.path).output.split(separator: "\n")
        #expect(lines.count == 3 && lines[1].contains("ContainerCreating") && lines[2].contains(" Pulling:50% "))
        #expect(!run("get pods -o json", root: node.folder.path).output.contains("Pulling"))
        let pod = Pod(
            [
                "spec": ["containers": [["name": "main", "image": "app"]]],
                "status": [
                    "containerStatuses": [["name": "main", "state": ["waiting": ["reason": "ContainerCreating"]]]]
                ],
            ])
        let pull = PullState([
            "container": "main", "phase": "downloading", "bytesDone": 5_000_000, "bytes": 10_000_000, "seconds": 7,
        ])
        let page = PodDescription(pod, [], pulls: [pull], now: Timestamp(nanoseconds: 0)).text
        #expect(page.contains("downloading 5.00MB of 10.0MB (50%) for 7s"), "\(page)")
    }

    @Test func eventsImagesStatusAndVersionAreShown() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        let root = node.folder.path
        #expect(
            run("events", root: root).output == """
                LAST SEEN   TYPE     REASON    OBJECT         MESSAGE
                60s         Normal   Started   Pod/web-node   Started it

                """)
        #expect(run("events --types Warning", root: root).errors == "No events found in default namespace.\n")
        #expect(run("events -o json", root: root).output.contains("\"reason\": \"Started\""))
        #expect(
            run("image ls", root: root).output == """
                IMAGE                       TAG      IMAGE ID       SIZE     CREATED   USED BY
                docker.io/library/busybox   latest   0123456789ab   4.27MB   24h ago   default/web-node

                """)
        #expect(run("image rm busybox", root: root).output == "Untagged: busybox\nDeleted: sha256:1\n")
        #expect(
            run("image df", root: root).output == """
                IMAGES   IN USE   LAYERS   SIZE     RECLAIMABLE
                1        1        2        3.00MB   1.00MB

                """)
        #expect(run("image pull busybox", root: root).output == "Pulled image: busybox (sha256:1)\n")
        #expect(run("image pull gone", root: root).errors == "error: manifest unknown\n")
        #expect(run("image inspect gone", root: root).code == 1)
        #expect(
            run("image prune -a --older-than 2h", root: root).output
                == "Untagged: a:1\nDeleted: sha256:1\nFreed 1.50kB\n")
        #expect(run("image prune --dry-run", root: root).output.hasSuffix("Would free 1.50kB\n"))
        #expect(run("image prune --older-than soon", root: root).code == 2)
        #expect(run("image rm gone", root: root).errors == "error: no image \"gone\"\n")
        let status = run("status", root: root).output
        #expect(status.contains("Node:     node\n") && status.contains("Pods:     1 Pending, 1 Running\n"))
        #expect(status.contains("a.yaml:3:5"))
        #expect(run("version", root: root).output.hasSuffix("agent:    1.2.3\n"))
        #expect(run("drain", root: root).output == "ending default/a\nall pods have ended\n")
    }

    @Test func logsComeFromTheContainerThatIsMeant() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        try node.folder.write("logs/0.log", "2026-01-01T00:00:00.000000000Z stdout F hello\n")
        let log = run("logs web-node", root: node.folder.path)
        #expect(log.output == "hello\n")
        #expect(log.errors == "Defaulted container \"main\" out of: main, side\n")
        let stamped = run("logs pod/web-node -c main --timestamps --tail 1", root: node.folder.path)
        #expect(stamped.output == "2026-01-01T00:00:00.000000000Z hello\n" && stamped.errors == "")
        let wrong = run("logs web-node -c mian", root: node.folder.path)
        #expect(wrong.code == 1 && wrong.errors.contains("one of: main, side"))
        #expect(run("logs web-node -c side", root: node.folder.path).errors.contains("is not available"))
        #expect(run("logs web-node --since yesterday", root: node.folder.path).code == 2)
    }

    @Test func logsOfSeveralContainersStandTogetherWithTheirNames() throws {
        let node = try BackgroundNode { node, root in
            Self.fill(node, root)
            node.logSources["web-node/side"] = LogSource(folder: root + "/side", attempt: 0, isComplete: true)
        }
        defer { node.stop() }
        let root = node.folder.path
        let time = "2026-01-01T00:00:00.000000000Z"
        try node.folder.write("logs/0.log", "\(time) stdout F one\n\(time) stdout F two\n\(time) stdout P cut")
        try node.folder.write("side/0.log", "\(time) stdout F three\n")
        let both = run("logs web-node --all-containers --prefix", root: root)
        #expect(
            both.output == "[pod/web-node/main] one\n[pod/web-node/main] two\n[pod/web-node/side] three\n"
                && both.code == 0)
        let followed = run("logs web-node --all-containers -f", root: root)
        #expect(followed.output.split(separator: "\n").sorted() == ["one", "three", "two"])
        #expect(run("logs web-node side", root: root).output == "three\n")
        #expect(run("logs web-node -c side --all-containers", root: root).code == 2)
        #expect(run("logs -l none=1", root: root).errors == "No resources found in default namespace.\n")
        #expect(run("logs", root: root).code == 2)
        // One that has no log does not keep the others' back.
        let some = run("logs -l !none --all-containers --tail 1", root: root)
        #expect(some.code == 1 && some.output == "two\nthree\n")
        #expect(some.errors.contains("error: pod/batch-node/main: "))
    }

    @Test func anArchiveIsLoadedByItsPath() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        let file = try node.folder.write("i.tar", "archive")
        #expect(run("image load \(file) --name n", root: node.folder.path).output == "Loaded image: n\n")
        let missing = run("image load /no/such.tar", root: node.folder.path)
        #expect(missing.code == 1 && missing.errors.contains("/no/such.tar: No such file"))
        // A folder goes to the agent, too; this one only reads files.
        let folder = run("image load \(node.folder.path)", root: node.folder.path)
        #expect(folder.code == 1 && folder.errors.contains("Is a directory"))
    }

    @Test func withoutAnAgentItIsSaidWhatToDo() throws {
        let folder = try TemporaryDirectory()
        let missing = run("get pods", root: folder.path)
        #expect(missing.code == 3 && missing.errors.contains("start it with \"swiftletd --root \(folder.path)\""))
        #expect(run("status", root: "").code == 3 || Files.exists("/run/swiftlet/swiftlet.sock"))
        try Files.makeDirectories(folder.path + "/run/swiftlet")
        _ = CLinux.close(swl_unix_socket(folder.path + "/run/swiftlet/swiftlet.sock", 1, 0))
        #expect(run("get pods", root: folder.path).errors.contains("has stopped"))
    }

    @Test func manifestsAreCheckedWithoutTheAgent() throws {
        let folder = try TemporaryDirectory()
        let good = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: c, image: b}]\n"
        let file = try folder.write("a.yaml", good + "  nodeSelector: {disk: ssd}\n")
        let fine = run("validate -f \(file)", root: "")
        #expect(fine.code == 0)
        #expect(fine.output.contains("\(file):6:3: spec.nodeSelector: without effect here"))
        #expect(fine.output.hasSuffix("\(file): valid: default/a\n"))
        #expect(run("validate -q -f \(file)", root: "").output == "")
        let bad = try folder.write("b.yaml", good.replacing("image:", with: "imagee:"))
        let broken = run("validate -f \(bad)", root: "")
        #expect(broken.code == 1)
        #expect(
            broken.output.contains("\(bad):5:26: spec.containers[0].imagee: unknown field (did you mean \"image\"?)"))
        try folder.write("b.yaml", good)
        let twice = run("validate -f \(folder.path)", root: "")
        #expect(twice.code == 1 && twice.output.contains("is also named by \(file)"))
        #expect(run("validate", root: "").code == 2)
        #expect(run("validate -f /no/such", root: "").code == 1)
    }
}

@Suite struct ExecLoopTests {
    @Test func inputGoesInOutputComesOutAndTheExitCodeIsPassedOn() throws {
        let node = try BackgroundNode(CommandTests.fill)
        defer { node.stop() }
        let agent = try AgentClient(path: node.folder.path + "/run/swiftlet/swiftlet.sock")
        let target = RequestTarget(
            path: ["exec", "default", "web-node", "main"],
            query: [.init("command", "cat"), .init("stdin", "true")])
        let (socket, rest) = try agent.upgrade(target, to: ExecCommand.protocolName)
        // More than the pipe and the sockets hold, so that both directions are held back on the way.
        let sent = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let pipe = try FileDescriptor.pipe()
        let end: ExecLoop.End
        let received = Mutex<[UInt8]>([])
        do {
            let input = try pipe.read.duplicate()
            let thread = try Feeder(SharedDescriptor(try pipe.write.duplicate()), sent)
            _ = consume pipe
            end = ExecLoop(
                socket, rest, passesInput: true, terminal: nil, input: input.raw,
                write: { _, bytes in received.withLock { $0 += bytes } }
            ).run()
            thread.join()
        }
        #expect(end == .exit(7))
        #expect(received.withLock { $0 } == sent)
    }

    @Test func refusalsAndLostAgentsAreTold() throws {
        let node = try BackgroundNode(CommandTests.fill)
        let none = run("exec nobody -- ls", root: node.folder.path)
        #expect(none.code == 1 && none.errors.contains("pods \"nobody\" not found"))
        #expect(run("exec web-node", root: node.folder.path).code == 2)
        let agent = try AgentClient(path: node.folder.path + "/run/swiftlet/swiftlet.sock")
        let target = RequestTarget(
            path: ["exec", "default", "web-node", "main"], query: [.init("command", "cat")])
        let (socket, rest) = try agent.upgrade(target, to: ExecCommand.protocolName)
        node.stop()
        #expect(ExecLoop(socket, rest, passesInput: false, terminal: nil, write: { _, _ in }).run() == .lost)
    }

    /// Writes bytes to a pipe from a thread of its own, and closes it.
    private final class Feeder {
        private let thread: pthread_t

        init(_ descriptor: SharedDescriptor, _ bytes: [UInt8]) throws {
            thread = try Threads.start("a feeder") { try? descriptor.descriptor.writeAll(bytes) }
        }

        func join() { pthread_join(thread, nil) }
    }
}

import Base
import CLinux
import JSON
import Kube
import NodeAPI
import NodeAPITestSupport
import TestSupport
import Testing

@testable import CLI

@Suite struct WhyTests {
    static let now = Timestamp(rfc3339: "2026-01-01T00:10:00Z")!

    /// The faults found for a pod with one container in `state`.
    static func faults(
        state: JSONValue = ["waiting": [:]], last: JSONValue = [:], output: [String] = [],
        event: (reason: String, message: String)? = nil, policy: String = "Always"
    ) -> [String] {
        let isBegun = event == nil
        let value: JSONValue = [
            "metadata": ["name": "web", "namespace": "default", "uid": "u"],
            "spec": ["containers": [["name": "main", "image": "x"]], "restartPolicy": .string(policy)],
            "status": [
                "phase": "Running",
                "conditions": [
                    ["type": "PodReadyToStartContainers", "status": isBegun ? "True" : "False"],
                    ["type": "Initialized", "status": "True"],
                ],
                "containerStatuses": [
                    ["name": "main", "image": "x", "restartCount": 3, "state": state, "lastState": last]
                ],
            ],
        ]
        var evidence = Evidence(key: "default/web", pod: Pod(value), output: ["main": output], now: now)
        if let event {
            evidence.events = [
                Event([
                    "reason": .string(event.reason), "message": .string(event.message), "type": "Warning",
                    "involvedObject": ["name": "web"],
                ])
            ]
        }
        return Diagnosis(evidence: evidence).causes.map(\.fault.name)
    }

    static func waiting(_ reason: String, _ message: String) -> JSONValue {
        ["waiting": ["reason": .string(reason), "message": .string(message)]]
    }

    static let backOff = waiting("CrashLoopBackOff", "back-off 40s restarting failed container=main pod=web_default(u)")

    static func ended(_ code: Int, signal: Int = 0, reason: String = "Error", message: String = "") -> JSONValue {
        [
            "terminated": [
                "exitCode": .integer(code), "signal": .integer(signal), "reason": .string(reason),
                "message": .string(message), "startedAt": "2026-01-01T00:09:00Z", "finishedAt": "2026-01-01T00:09:30Z",
            ]
        ]
    }

    @Test(arguments: [
        ("image-missing", "ErrImagePull", "the image is not on this node, and this version does not pull"),
        (
            "registry-unreachable", "ImagePullBackOff",
            "Back-off pulling image \"x\": ErrImagePull: cannot pull h/x:1: registry https://h, x 1: Failed to connect to h port 443"
        ),
        (
            "image-unknown", "ErrImagePull",
            "cannot pull h/x:1: registry https://h, x 1: there is no such thing (404 manifest unknown)"
        ),
        (
            "registry-denied", "ErrImagePull",
            "cannot pull h/x:1: registry https://h, x 1: it wants credentials, and there"
        ),
        ("image-never-pull", "ErrImageNeverPull", "Container image \"x\" is not present with pull policy of Never"),
        ("runs-as-root", "CreateContainerConfigError", "container has runAsNonRoot and image will run as root (pod: )"),
        ("user-unknown", "CreateContainerConfigError", "find the user app (the image's /etc/passwd has no such entry)"),
        ("capability-missing", "CreateContainerError", "unknown capability \"FLY\""),
        ("seccomp-profile", "CreateContainerError", "cannot load the seccomp profile \"a.json\" from /x: no such file"),
        ("sub-path", "CreateContainerConfigError", "subPath \"a\" not within volume path \"/v\""),
        ("node-disk-full", "CreateContainerError", "mkdir /var/lib/x: No space left on device"),
        ("no-command", "CreateContainerError", "no command specified"),
    ]) func whatAContainerWaitsForIsNamed(fault: String, reason: String, message: String) {
        #expect(Self.faults(state: Self.waiting(reason, message)) == [fault])
    }

    @Test(arguments: [
        ("command-not-found", "exec: \"nginxx\": executable file not found in $PATH"),
        ("command-not-found", "exec: \"/bin/x\": no such file or directory"),
        ("command-not-executable", "exec: \"/etc/passwd\": permission denied"),
        (
            "wrong-architecture",
            "exec: \"/bin/x\": exec format error (a script without #! line, or a program for another)"
        ),
        (
            "interpreter-missing",
            "exec: \"/bin/x\": no such file or directory (the file exists: its interpreter or dynamic loader is missing in the image)"
        ),
    ]) func whyAProgramDoesNotStartIsNamed(fault: String, message: String) {
        let end = Self.ended(128, reason: "StartError", message: message)
        #expect(Self.faults(state: Self.backOff, last: end) == [fault])
        #expect(Self.faults(state: end, policy: "Never") == [fault])
    }

    @Test(arguments: [
        (
            "host-port-taken", "FailedCreatePodSandBox",
            "Failed to create pod sandbox: hostPort 80/TCP is taken by pod d/a"
        ),
        (
            "cni-plugin-missing", "FailedCreatePodSandBox",
            "Failed to create pod sandbox: network n: plugin ghost cannot attach the pod: there is no plugin of this name in /opt"
        ),
        (
            "cni-configuration", "FailedCreatePodSandBox",
            "Failed to create pod sandbox: no network configuration in /etc/cni/net.d is usable: a: b"
        ),
        ("cni-failed", "FailedCreatePodSandBox", "network n: plugin bridge cannot attach the pod: no addresses left"),
        (
            "host-path", "FailedMount",
            "MountVolume.SetUp failed for volume \"v\" : hostPath type check failed: /x is not a file"
        ),
        ("volume", "FailedMount", "MountVolume.SetUp failed for volume \"v\" : mount: operation not permitted"),
        (
            "claim-missing", "FailedMount",
            "MountVolume.SetUp failed for volume \"v\" : persistentvolumeclaim \"c\" not found"
        ),
        (
            "claim-unbound", "FailedMount",
            "MountVolume.SetUp failed for volume \"v\" : error processing PVC default/c: PVC is not bound: no persistent "
                + "volumes available for this claim"
        ),
        (
            "claim-in-use", "FailedMount",
            "MountVolume.SetUp failed for volume \"v\" : volume uses the ReadWriteOncePod access mode and is already in "
                + "use by another pod"
        ),
        (
            "local-volume", "FailedMount",
            "MountVolume.NewMounter initialization failed for volume \"pv\" : path \"/x\" does not exist"
        ),
        ("sandbox", "FailedCreatePodSandBox", "Failed to create pod sandbox: clone3: cannot allocate memory"),
    ]) func whyAPodHasNoSandboxIsNamed(fault: String, reason: String, message: String) {
        #expect(Self.faults(state: Self.waiting("ContainerCreating", ""), event: (reason, message)) == [fault])
    }

    @Test(arguments: [
        ("out-of-memory", 137, 9, "OOMKilled"), ("killed", 137, 9, "Error"), ("system-call-denied", 159, 31, "Error"),
        ("system-call-denied", 159, 0, "Error"), ("program-crashed", 139, 11, "Error"),
        ("terminated", 143, 15, "Error"),
        ("supervisor-lost", 137, 0, "ContainerStatusUnknown"), ("command-not-found", 127, 0, "Error"),
        ("command-not-executable", 126, 0, "Error"), ("exit-code", 3, 0, "Error"),
        ("completed-restarts", 0, 0, "Completed"),
    ]) func howAProgramEndedIsNamed(fault: String, code: Int, signal: Int, reason: String) {
        #expect(Self.faults(state: Self.backOff, last: Self.ended(code, signal: signal, reason: reason)) == [fault])
    }

    @Test(arguments: [
        ("port-taken", "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)"),
        ("port-forbidden", "bind() to 0.0.0.0:80 failed (13: Permission denied)"),
        ("read-only-file-system", "sh: can't create /x: Read-only file system"),
        ("disk-full", "dd: error writing '/cache/x': No space left on device"),
        ("too-many-processes", "sh: can't fork: Resource temporarily unavailable"),
        ("too-many-files", "accept: Too many open files"), ("name-not-resolved", "wget: bad address 'db'"),
        ("not-reachable", "wget: can't connect to remote host (127.0.0.1): Connection refused"),
        ("library-missing", "app: error while loading shared libraries: libpq.so.5: cannot open shared object file"),
        ("operation-not-permitted", "mount: mounting none on /mnt failed: Operation not permitted"),
        ("permission-denied", "cat: can't open '/secret': Permission denied"),
        ("file-missing", "cat: can't open '/etc/app.conf': No such file or directory"),
        ("wrong-architecture", "sh: /app: Exec format error"),
    ]) func whatAProgramSaidLastIsNamed(fault: String, line: String) {
        let output = ["starting", "retrying", line, "giving up"]
        #expect(Self.faults(state: Self.backOff, last: Self.ended(1), output: output) == [fault])
    }

    @Test func whatIsNoFaultIsSaidToBeNone() {
        #expect(Self.faults(state: ["running": [:]]) == ["running"])
        #expect(Self.faults(state: Self.ended(0, reason: "Completed"), policy: "Never") == ["completed"])
        #expect(Self.faults(state: Self.waiting("ContainerCreating", "")) == ["starting"])
    }

    @Test(arguments: [
        ("manifest-unknown-field", "spec.containers[0].imagee: unknown field (did you mean \"image\"?)"),
        ("manifest-refused-field", "spec.volumes[0].nfs: not supported: no network file systems"),
        (
            "manifest-refused-field",
            "kind: \"Deployment\" is not run here; only Pod, ConfigMap, PersistentVolume, "
                + "PersistentVolumeClaim, Secret, and List of them"
        ),
        ("manifest-invalid-value", "spec.containers[0].image: expected a string, found an integer (put it in quotes)"),
        (
            "manifest-duplicate",
            "pod default/web is named by /etc/podspecs/a.yaml too; that one is used, rename or remove"
        ),
        (
            "manifest-owner",
            "may be written by others than its owner (mode 666); whoever may write it runs pods as root"
        ),
        ("manifest-syntax", "did not find expected ',' or '}'"), ("manifest-syntax", "duplicate key \"spec\""),
        ("manifest-unreadable", "open /etc/podspecs/web.yaml: Input/output error"),
    ]) func whyAManifestIsRefusedIsNamed(fault: String, message: String) {
        let problem = Problem(["path": "/etc/podspecs/web.yaml", "line": 3, "column": 5, "message": .string(message)])
        let evidence = Evidence(key: "default/web", problems: [problem], now: Self.now)
        #expect(Diagnosis(evidence: evidence).causes.map(\.fault.name) == [fault])
    }

    /// The causes found for a pod whose container has probes.
    private static func causes(_ state: JSONValue, last: JSONValue = [:], events: [(String, String)]) -> [Cause] {
        let probe: JSONValue = ["exec": ["command": ["true"]]]
        let value: JSONValue = [
            "metadata": ["name": "web", "namespace": "default", "uid": "u"],
            "spec": ["containers": [["name": "main", "image": "x", "readinessProbe": probe, "livenessProbe": probe]]],
            "status": [
                "phase": "Running", "conditions": [["type": "Initialized", "status": "True"]],
                "containerStatuses": [
                    ["name": "main", "image": "x", "restartCount": 3, "state": state, "lastState": last]
                ],
            ],
        ]
        var evidence = Evidence(key: "default/web", pod: Pod(value), now: now)
        evidence.events = events.map { reason, message in
            Event([
                "reason": .string(reason), "message": .string(message), "lastTimestamp": "2026-01-01T00:09:20Z",
                "involvedObject": ["name": "web", "fieldPath": "spec.containers{main}"],
            ])
        }
        return Diagnosis(evidence: evidence).causes
    }

    @Test func aReadinessGateThatNobodyOpensIsNamed() {
        let message = "corresponding condition of pod readiness gate \"x/up\" does not exist."
        let pod = Pod([
            "metadata": ["name": "web", "namespace": "default", "uid": "u"],
            "spec": ["containers": [["name": "main", "image": "x"]]],
            "status": [
                "phase": "Running",
                "conditions": [
                    ["type": "Initialized", "status": "True"],
                    [
                        "type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady",
                        "message": .string(message),
                    ],
                ],
                "containerStatuses": [["name": "main", "image": "x", "ready": true, "state": ["running": [:]]]],
            ],
        ])
        let causes = Diagnosis(evidence: Evidence(key: "default/web", pod: pod, output: [:], now: Self.now)).causes
        #expect(causes.map(\.fault.name) == ["readiness-gate"] && causes.first?.said == [message])
    }

    @Test func whatAProbeSaysIsTold() {
        let unready = Self.causes(["running": [:]], events: [("Unhealthy", "Readiness probe failed: no")])
        #expect(unready.map(\.fault.name) == ["not-ready"])
        #expect(unready.first?.said == ["Readiness probe failed: no"])
        let killed = Self.causes(
            Self.backOff, last: Self.ended(137, signal: 9),
            events: [
                ("Unhealthy", "Liveness probe failed: gone"),
                ("Killing", "Container main failed liveness probe, will be restarted"),
            ])
        #expect(killed.map(\.fault.name) == ["probe-failed"])
        #expect(killed.first?.said == ["Liveness probe failed: gone"])
        let other = Self.causes(
            Self.backOff, last: Self.ended(137, signal: 9), events: [("Unhealthy", "Liveness probe failed: gone")])
        #expect(other.map(\.fault.name) == ["killed"], "a probe that failed once ended nothing")
    }

    @Test(arguments: [
        ("DeadlineExceeded", "deadline-exceeded"), ("SysctlForbidden", "sysctl-forbidden"),
        ("AppArmor", "apparmor-off"),
        ("OutOfmemory", "node-full"),
    ])
    func aPodThatFailedAsAWholeIsNotBlamedOnItsContainers(_ reason: String, _ fault: String) {
        let value: JSONValue = [
            "metadata": ["name": "web", "namespace": "default", "uid": "u"],
            "spec": ["containers": [["name": "main", "image": "x"]]],
            "status": [
                "phase": "Failed", "reason": .string(reason), "message": "these are the words",
                "containerStatuses": [
                    ["name": "main", "image": "x", "state": Self.ended(137, signal: 9), "lastState": [:]]
                ],
            ],
        ]
        let causes = Diagnosis(
            evidence: Evidence(key: "default/web", pod: Pod(value), output: [:], now: Self.now)
        ).causes
        #expect(causes.map(\.fault.name) == [fault])
        #expect(causes.first?.said == ["these are the words"])
    }

    @Test func everyClueNamesAFaultAndEveryFaultHasAName() {
        for clue in Clue.problems + Clue.starts + Clue.sandboxes + Clue.output {
            #expect(Fault.named(clue.fault) != nil, "\(clue.fault)")
        }
        #expect(Set(Fault.all.map(\.name)).count == Fault.all.count)
    }

    @Test func theChainIsToldWithTheFix() throws {
        let node = try BackgroundNode { node, root in
            node.podsByName = [
                "web": [
                    "apiVersion": "v1", "kind": "Pod",
                    "metadata": ["name": "web", "namespace": "default", "uid": "u"],
                    "spec": ["containers": [["name": "main", "image": "x"]], "restartPolicy": "Always"],
                    "status": [
                        "phase": "Running",
                        "containerStatuses": [
                            [
                                "name": "main", "image": "x", "restartCount": 4, "state": Self.backOff,
                                "lastState": Self.ended(1),
                            ]
                        ],
                    ],
                ]
            ]
            node.logSources["web/main"] = LogSource(folder: root + "/logs", attempt: 4, isComplete: true)
            node.problemList = [
                ManifestProblem(
                    path: root + "/etc/podspecs/other.yaml", line: 1, column: 1, message: "expected a value")
            ]
        }
        defer { node.stop() }
        let root = node.folder.path
        try node.folder.write("logs/4.log", "2026-01-01T00:09:30.000000000Z stderr F bind: Address already in use\n")
        try node.folder.write("etc/podspecs/other.yaml", "metadata:\n  name: ghost\nspec: [\n")
        #expect(
            run("why web", root: root).output == """
                Pod default/web: CrashLoopBackOff

                  container main was restarted 4 times; waits 40s before its next start (CrashLoopBackOff)
                  because its last run ended with exit code 1 after 30s
                  because the port that it wants to listen on is taken  [port-taken]
                      bind: Address already in use
                  Fix: \(Fault.named("port-taken")!.fix)

                """)
        #expect(run("why -o name", root: root).output == "port-taken\n")
        #expect(run("why ghost -o name", root: root).output == "manifest-syntax\n")
        let json = try JSONParser.parse(Array(run("why web -o json", root: root).output.utf8))
        #expect(json["items"]?.arrayValue?.first?["causes"]?.arrayValue?.first?["fault"] == "port-taken")
        let nobody = run("why nobody", root: root)
        #expect(nobody.code == 1 && nobody.errors.contains("pods \"nobody\" not found"))
    }

    @Test func theDocumentListsTheFaultsOfTheTable() throws {
        #expect(try PrintedDocument.committed("docs/why.md", printed: Self.document) == Self.document)
    }

    static var document: String {
        var text = """
            # What `swiftlet why` knows

            Printed from the table that the command works with (`Sources/CLI/Why/Fault+Table.swift`): do not edit. A test
            compares; `SWIFTLET_WRITE_DOCS=1 swift test --filter WhyTests` writes it anew.

            `swiftlet why POD` looks at the pod, its events, the manifests, the node and the last lines that its containers
            wrote, and tells the chain from what one sees to what is behind it. The name of the fault stands in brackets;
            `-o name` prints only it. `Tests/EndToEnd/WhyTests.swift` injects faults on a real node and checks that each is
            named.

            """
        for group in Fault.Group.allCases {
            text += "\n## \(group.rawValue)\n\n| fault | because | what to do |\n|---|---|---|\n"
            for fault in Fault.all where fault.group == group {
                text += "| `\(fault.name)` | \(fault.meaning) | \(fault.fix) |\n"
            }
        }
        return text
    }
}

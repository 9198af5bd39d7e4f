import JSON
import Kube
import Testing

@Suite("A broken manifest is refused with every problem, its place and its path")
struct BrokenManifestTests {
    private static let head = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    static let label =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        + "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    static let subdomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        + "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

    static let shapes: [(String, [String])] = [
        ("[]", ["1:1: expected a Pod, found a list"]),
        ("text", ["1:1: expected a Pod, found a string"]),
        ("{}", ["1:1: apiVersion: missing; a Pod has \"v1\""]),
        ("apiVersion: v1", ["1:1: kind: missing; expected \"Pod\""]),
        (
            "{apiVersion: apps/v1, kind: Deployment}",
            [
                "1:29: kind: \"Deployment\" is not run here; only Pod, ConfigMap, PersistentVolume, "
                    + "PersistentVolumeClaim, Secret, and List of them"
            ]
        ),
        ("{apiVersion: v2, kind: Pod}", ["1:14: apiVersion: \"v2\" has no Pod; expected \"v1\""]),
        (
            "{apiVersion: v1, kind: Pod}",
            ["1:1: metadata.name: Required value", "1:1: spec.containers: Required value"]
        ),
        (head + "spec: 1", ["4:7: spec: expected an object, found an integer"]),
        (head + "spec: {containers: {}}", ["4:20: spec.containers: expected a list, found an object"]),
        (head + "spec: {containers: []}", ["4:20: spec.containers: Required value"]),
        (head + "spec: {containers: [null]}", ["4:21: spec.containers[0]: expected an object, found null"]),
        (
            head + "spec: {containers: [{}]}",
            [
                "4:21: spec.containers[0].name: Required value", "4:21: spec.containers[0].image: Required value",
            ]
        ),
        (
            head + "spec:\n  containers:\n  - name: c\n    imagee: i\n",
            [
                "7:5: spec.containers[0].imagee: unknown field (did you mean \"image\"?)"
            ]
        ),
        (head + "sepc: {}", ["4:1: sepc: unknown field (did you mean \"spec\"?)"]),
        (head + "spec: {Containers: []}", ["4:8: spec.Containers: unknown field (did you mean \"containers\"?)"]),
        (head + "spec: {restart: Always}", ["4:8: spec.restart: unknown field"]),
        (
            head + "spec: {tolerations: [{keyy: a}]}",
            [
                "4:23: spec.tolerations[0].keyy: unknown field (did you mean \"key\"?)"
            ]
        ),
        (
            pod(container: "comand: [a], arg: [b]"),
            [
                "3:5: spec.containers[0].comand: unknown field (did you mean \"command\"?)",
                "3:18: spec.containers[0].arg: unknown field (did you mean \"args\"?)",
            ]
        ),
        (
            pod(container: "args: [1, true, 1.5, null, {}]"),
            [
                "3:12: spec.containers[0].args[0]: expected a string, found an integer (put it in quotes)",
                "3:15: spec.containers[0].args[1]: expected a string, found a boolean (put it in quotes)",
                "3:21: spec.containers[0].args[2]: expected a string, found a number (put it in quotes)",
                "3:26: spec.containers[0].args[3]: expected a string, found null",
                "3:32: spec.containers[0].args[4]: expected a string, found an object",
            ]
        ),
        (pod(container: "command: /bin/sh"), ["3:14: spec.containers[0].command: expected a list, found a string"]),
        (
            pod(container: "env: [{name: A, value: 8080}]"),
            [
                "3:28: spec.containers[0].env[0].value: expected a string, found an integer (put it in quotes)"
            ]
        ),
        (pod(spec: "hostNetwork: 'true',"), ["1:70: spec.hostNetwork: expected a boolean, found a string"]),
        (
            pod(spec: "terminationGracePeriodSeconds: 1.5,"),
            [
                "1:88: spec.terminationGracePeriodSeconds: expected an integer, found a number"
            ]
        ),
        (
            pod(container: "ports: [{containerPort: 4294967376}]"),
            [
                "3:29: spec.containers[0].ports[0].containerPort: 4294967376 is outside the range of 32 bits"
            ]
        ),
        (
            pod(container: "resources: {limits: {memory: 1GiB, cpu: [1]}}"),
            [
                "3:34: spec.containers[0].resources.limits[memory]: Invalid value: \"1GiB\": quantities are numbers with a "
                    + "suffix: n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent",
                "3:45: spec.containers[0].resources.limits[cpu]: expected a quantity, found a list",
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: [a]}}",
            [
                "1:57: metadata.labels: expected an object, found a list"
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {a: 1}}}",
            [
                "1:61: metadata.labels[a]: expected a string, found an integer (put it in quotes)"
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p, creationTimestamp: today}}",
            [
                "1:68: metadata.creationTimestamp: Invalid value: \"today\": not a time of RFC 3339"
            ]
        ),
        (pod(container: "args: [\"a\\0b\"]"), ["3:12: spec.containers[0].args[0]: contains a NUL byte"]),
    ]

    static let refusals: [(String, [String])] = [
        (
            pod(container: "restartPolicy: always"),
            [
                "3:20: spec.containers[0].restartPolicy: Unsupported value: \"always\": supported values: \"Always\", "
                    + "\"Never\", \"OnFailure\""
            ]
        ),
        (
            pod(spec: "volumes: [{name: v, nfs: {path: /, server: s}}],"),
            [
                "1:77: spec.volumes[0].nfs: not supported: this kind of storage is not mounted; mount it on the node and "
                    + "use hostPath"
            ]
        ),
        (
            pod(
                spec: "securityContext: {windowsOptions: {hostProcess: true}},",
                container: "securityContext: {windowsOptions: {runAsUserName: a}, seLinuxOptions: {level: s0}}"),
            [
                "1:75: spec.securityContext.windowsOptions: not supported: every node is Linux; remove it",
                "3:23: spec.containers[0].securityContext.windowsOptions: not supported: every node is Linux; remove it",
                "3:59: spec.containers[0].securityContext.seLinuxOptions: not supported: SELinux labels are not set; "
                    + "remove it",
            ]
        ),
        (
            pod(spec: "hostUsers: false,"),
            [
                "1:57: spec.hostUsers: not supported: user namespaces are not made yet; remove it to run with the node's "
                    + "user ids"
            ]
        ),
        (
            pod(container: "imagePullPolicy: Sometimes"),
            [
                "3:22: spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: "
                    + "\"Always\", \"IfNotPresent\", \"Never\""
            ]
        ),
        (
            pod(spec: "restartPolicy: always,"),
            [
                "1:72: spec.restartPolicy: Unsupported value: \"always\": supported values: \"Always\", \"Never\", "
                    + "\"OnFailure\""
            ]
        ),
        (
            pod(spec: "os: {name: windows},"),
            [
                "1:68: spec.os.name: Unsupported value: \"windows\": supported values: \"linux\""
            ]
        ),
        (
            pod(container: "ports: [{containerPort: 80, hostPort: 80, hostIP: example.com}]"),
            [
                "3:55: spec.containers[0].ports[0].hostIP: Invalid value: \"example.com\": must be a valid IP address, "
                    + "(e.g. 10.9.8.7 or 2001:db8::ffff)"
            ]
        ),
        (
            pod(
                container:
                    "resources: {limits: {ephemeral-storage: 1Gi, nvidia.com/gpu: 1, hugepages-2Mi: 2Mi, foo: 1}}"),
            [
                "3:66: spec.containers[0].resources.limits[nvidia.com/gpu]: not supported: no device plugin provides it; "
                    + "remove it",
                "3:84: spec.containers[0].resources.limits[hugepages-2Mi]: not supported: huge pages are not managed yet; "
                    + "remove it",
                "3:94: spec.containers[0].resources.limits[foo]: Invalid value: \"foo\": must be a standard resource type "
                    + "or fully qualified",
            ]
        ),
        // Refusals and what validation finds come together, in the order of the text.
        (
            pod(spec: "hostname: A_,", container: "resizePolicy: [], volumeDevices: [{name: a, devicePath: b}]"),
            [
                "1:67: spec.hostname: Invalid value: \"A_\": \(label)",
                "3:23: spec.containers[0].volumeDevices: not supported: there are no block volumes; mount the device's "
                    + "folder by hostPath",
            ]
        ),
    ]

    @Test("A wrong shape", arguments: shapes)
    func shape(_ text: String, _ expected: [String]) throws { try check(text, expected) }

    @Test("What is not carried out", arguments: refusals)
    func refusal(_ text: String, _ expected: [String]) throws { try check(text, expected) }

    @Test("What the API server would not take", arguments: invalid)
    func invalidity(_ text: String, _ expected: [String]) throws { try check(text, expected) }

    private func check(_ text: String, _ expected: [String]) throws {
        let found = try problems(text)
        #expect(found == expected, "found \(found.joined(separator: " ## "))")
    }

    @Test("The number of problems told is bounded, and the rest counted")
    func bounded() throws {
        let fields = (0..<3000).map { "x\($0): 1" }.joined(separator: ", ")
        do {
            _ = try decode("{apiVersion: v1, kind: Pod, spec: {\(fields)}}")
            Issue.record("accepted")
        } catch let error as PodDecodingError {
            #expect(error.issues.count == PodDecoder.issueLimit)
            #expect(error.description.hasSuffix("\nand 2980 more"))
        }
    }

    @Test("Text of a manifest is shown on one line, without control characters, and bounded")
    func shownText() throws {
        let hostile = "\\e[2J\\n" + String(repeating: "x", count: 500)
        let shown = try problems(pod(spec: "restartPolicy: \"\(hostile)\","))
        #expect(shown.first?.contains("\\u{1b}[2J\\u{a}xxx") == true)
        #expect(shown.first?.contains("x...\"") == true)
        #expect(shown.first.map { $0.utf8.count < 400 } == true)
    }
}

import JSON
import Testing

@testable import Kube

@Suite("A running pod can be given containers to look into it")
struct EphemeralContainerTests {
    /// Every field that one may have, each with a value that is not its default.
    private static let complete = """
        {name: debugger, image: tools, imagePullPolicy: Never, command: [sh], args: [-c, ls], workingDir: /w,
         env: [{name: A, value: b}], envFrom: [{configMapRef: {name: c}}], securityContext: {privileged: true},
         stdin: true, stdinOnce: true, tty: true, targetContainerName: main, terminationMessagePath: /m,
         terminationMessagePolicy: FallbackToLogsOnError, volumeMounts: [{name: data, mountPath: /data}]}
        """

    private func pod(_ ephemeral: [String] = []) throws -> Pod {
        var pod = try PodDecoder.decode(
            try yaml(
                """
                {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {
                  volumes: [{name: data, emptyDir: {}}], initContainers: [{name: init, image: i}],
                  containers: [{name: main, image: i}]}}
                """)
        ).pod
        pod.spec.ephemeralContainers = try ephemeral.map { EphemeralContainer(try yaml($0)) }
        return pod
    }

    private func request(_ containers: String) throws -> JSONValue {
        try yaml("{spec: {ephemeralContainers: [\(containers)]}}")
    }

    private func problem(
        _ containers: String, _ form: ListForm = .strategic, present: [String] = []
    ) throws -> String {
        let (request, pod) = (try request(containers), try pod(present))
        do throws(PodDecodingError) {
            _ = try EphemeralContainerDecoder.decode(request, form, of: pod)
            return ""
        } catch {
            return error.description
        }
    }

    @Test("A manifest cannot have one, in Kubernetes' words, and is told what can be done")
    func manifest() throws {
        let path = "spec.ephemeralContainers: "
        #expect(
            try problems(KubeTests.pod(spec: "ephemeralContainers: [{name: e, image: i}],")).first?.contains(
                path + "Forbidden: cannot be set on create; give one to the running pod with `swiftlet debug`") == true)
        #expect(try problems(KubeTests.pod(spec: "ephemeralContainers: [],")).isEmpty)
    }

    @Test("Every supported field of one reaches it")
    func everyField() throws {
        let value = try yaml(Self.complete)
        let fields = value.objectValue?.members.map(\.key) ?? []
        #expect(Set(fields) == Set(FieldTable.classes["EphemeralContainer"]?.supported ?? []))
        let decoded = try EphemeralContainerDecoder.decode(try request(Self.complete), .whole, of: try pod())
        #expect(decoded.count == 1)
        for field in fields {
            var less = try #require(value.objectValue)
            less[field] = nil
            #expect(EphemeralContainer(.object(less)) != decoded[0], "\(field) does not matter")
        }
        #expect(EphemeralContainer(decoded[0].json) == decoded[0])
    }

    @Test("What was left open is open in the record, and the default for the tag elsewhere")
    func openPolicy() throws {
        let open = EphemeralContainer(try yaml("{name: e, image: busybox}"))
        #expect(open.leavesPullPolicyOpen && open.json["imagePullPolicy"] == "Always")
        #expect(open.given["imagePullPolicy"] == nil && EphemeralContainer(open.given) == open)
        let closed = EphemeralContainer(try yaml("{name: e, image: busybox, imagePullPolicy: Never}"))
        #expect(!closed.leavesPullPolicyOpen && EphemeralContainer(closed.given) == closed)
    }

    @Test("A patch adds to what is there, a whole list has it all")
    func forms() throws {
        let present = ["{name: one, image: i}"]
        func names(_ containers: String, _ form: ListForm) throws -> [String] {
            try EphemeralContainerDecoder.decode(try request(containers), form, of: try pod(present)).map(\.name)
        }
        #expect(try names("{name: two, image: i}", .strategic) == ["one", "two"])
        #expect(try names("{name: one, image: i}", .strategic) == ["one"], "what does not change is no change")
        #expect(try names("{name: two, image: i}, {name: one, image: i}", .whole) == ["one", "two"])
        // As a client sends back what it was given.
        let shown = try pod(present).json
        #expect(try EphemeralContainerDecoder.decode(shown, .whole, of: try pod(present)).map(\.name) == ["one"])
        #expect(try EphemeralContainerDecoder.decode([:], .strategic, of: try pod(present)).map(\.name) == ["one"])
    }

    @Test(
        "What cannot be had is refused in Kubernetes' words",
        arguments: [
            ("{image: i}", "[0].name: Required value"),
            ("{name: e}", "[0].image: Required value"),
            ("{name: main, image: i}", "[0].name: Duplicate value: \"main\""),
            ("{name: init, image: i}", "[0].name: Duplicate value: \"init\""),
            ("{name: e, image: i}, {name: e, image: j}", "[1].name: Duplicate value: \"e\""),
            ("{name: e, image: i, targetContainerName: other}", "[0].targetContainerName: Not found: \"other\""),
            ("{name: e, image: i, ports: [{containerPort: 80}]}", "[0].ports: " + forbidden),
            ("{name: e, image: i, livenessProbe: {}}", "[0].livenessProbe: " + forbidden),
            ("{name: e, image: i, readinessProbe: {}}", "[0].readinessProbe: " + forbidden),
            ("{name: e, image: i, startupProbe: {}}", "[0].startupProbe: " + forbidden),
            ("{name: e, image: i, lifecycle: {}}", "[0].lifecycle: " + forbidden),
            ("{name: e, image: i, resources: {limits: {cpu: 1}}}", "[0].resources: " + forbidden),
            ("{name: e, image: i, restartPolicy: Always}", "[0].restartPolicy: " + forbidden),
            ("{name: e, image: i, imagePullPolicy: Often}", "[0].imagePullPolicy: Unsupported value: \"Often\""),
            ("{name: e, image: i, imagee: x}", "[0].imagee: unknown field"),
            ("{name: e, image: i, tty: maybe}", "[0].tty: expected a boolean"),
            ("3", "[0]: expected an object, found an integer"),
            (
                "{name: e, image: i, volumeMounts: [{name: data, mountPath: /d, subPath: x}]}",
                "[0].volumeMounts[0].subPath: " + forbidden
            ),
            (
                "{name: e, image: i, volumeMounts: [{name: none, mountPath: /d}]}",
                "[0].volumeMounts[0].name: Not found: \"none\""
            ),
        ])
    func refused(_ container: String, _ message: String) throws {
        let said = try problem(container)
        #expect(said.contains("spec.ephemeralContainers" + message), "\(said)")
        #expect(try problem(container, .whole).contains("spec.ephemeralContainers" + message))
    }

    private static let forbidden = "Forbidden: cannot be set for an Ephemeral Container"

    @Test("What is there is neither changed nor removed")
    func onlyAdditions() throws {
        let present = ["{name: one, image: i}"]
        let path = "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"one\" may not be "
        #expect(try problem("{name: one, image: j}", present: present) == path + "changed")
        #expect(try problem("{name: one, image: i, tty: true}", .whole, present: present) == path + "changed")
        #expect(try problem("{name: two, image: i}", .whole, present: present) == path + "removed")
        #expect(try problem("", .whole, present: present) == path + "removed")
        let many = (0...EphemeralContainerDecoder.limit).map { "{name: e\($0), image: i}" }.joined(separator: ", ")
        #expect(try problem(many).contains("Too many: 101: must have at most 100 items"))
        #expect(throws: PodDecodingError.self) { try EphemeralContainerDecoder.decode(3, .whole, of: try pod()) }
    }
}

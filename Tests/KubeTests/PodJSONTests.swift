import Base
import JSON
import Kube
import Testing
import YAML

@Suite("Pods and events are printed as kubectl prints them")
struct PodJSONTests {
    private func fullStatus() throws -> PodStatus {
        let start = try #require(Timestamp(rfc3339: "2026-03-01T12:00:00Z"))
        var status = PodStatus()
        status.phase = .running
        status.qosClass = .burstable
        status.hostIP = "10.0.0.1"
        status.hostIPs = ["10.0.0.1"]
        status.podIP = "10.88.0.2"
        status.podIPs = ["10.88.0.2", "fd00::2"]
        status.startTime = start
        status.conditions = [
            PodCondition(type: "Ready", status: .false, reason: "ContainersNotReady", lastTransitionTime: start)
        ]
        var container = ContainerStatus(name: "main", image: "app:1", state: .running(startedAt: start))
        container.lastState = .terminated(
            ContainerStateTerminated(
                exitCode: 137, reason: "OOMKilled", startedAt: start, finishedAt: start, containerID: "swiftlet://a"))
        container.restartCount = 1
        container.started = true
        container.containerID = "swiftlet://b"
        container.user = LinuxContainerUser(uid: 1000, gid: 1000, supplementalGroups: [1000])
        container.resources = ResourceRequirements(limits: ["memory": Quantity(64 << 20, .binarySI)])
        container.volumeMounts = [
            VolumeMountStatus(name: "v", mountPath: "/v", readOnly: true, recursiveReadOnly: .disabled)
        ]
        status.containerStatuses = [container]
        status.initContainerStatuses = [
            ContainerStatus(
                name: "prepare", image: "busybox",
                state: .waiting(ContainerStateWaiting(reason: "ImagePullBackOff", message: "Back-off")))
        ]
        return status
    }

    @Test("A status has kubectl's fields")
    func status() throws {
        let text = YAMLWriter.text(try fullStatus().json)
        #expect(
            text == """
                conditions:
                - lastProbeTime: null
                  lastTransitionTime: "2026-03-01T12:00:00Z"
                  reason: ContainersNotReady
                  status: "False"
                  type: Ready
                containerStatuses:
                - containerID: swiftlet://b
                  image: app:1
                  imageID: ""
                  lastState:
                    terminated:
                      containerID: swiftlet://a
                      exitCode: 137
                      finishedAt: "2026-03-01T12:00:00Z"
                      reason: OOMKilled
                      startedAt: "2026-03-01T12:00:00Z"
                  name: main
                  ready: false
                  resources:
                    limits:
                      memory: 64Mi
                  restartCount: 1
                  started: true
                  state:
                    running:
                      startedAt: "2026-03-01T12:00:00Z"
                  user:
                    linux:
                      gid: 1000
                      supplementalGroups:
                      - 1000
                      uid: 1000
                  volumeMounts:
                  - mountPath: /v
                    name: v
                    readOnly: true
                    recursiveReadOnly: Disabled
                hostIP: 10.0.0.1
                hostIPs:
                - ip: 10.0.0.1
                initContainerStatuses:
                - image: busybox
                  imageID: ""
                  lastState: {}
                  name: prepare
                  ready: false
                  restartCount: 0
                  state:
                    waiting:
                      message: Back-off
                      reason: ImagePullBackOff
                phase: Running
                podIP: 10.88.0.2
                podIPs:
                - ip: 10.88.0.2
                - ip: fd00::2
                qosClass: Burstable
                startTime: "2026-03-01T12:00:00Z"

                """)
    }

    @Test("What is printed is read back the same, through JSON and YAML")
    func roundTrip() throws {
        for manifest in [completeManifest, GoodManifestTests.exported, pod()] {
            var pod = try decode(manifest).pod
            pod.status = try fullStatus()
            pod.metadata.creationTimestamp = pod.status.startTime
            pod.spec.nodeName = "node-1"
            let json = JSONWriter(indent: 4, sortsKeys: true).bytes(pod.json)
            #expect(try PodDecoder.read(try JSONParser.parse(json)) == pod)
            #expect(try PodDecoder.read(try yaml(YAMLWriter.text(pod.json))) == pod)
        }
    }

    @Test("A printed pod is a manifest of the same pod")
    func printedIsManifest() throws {
        for manifest in [completeManifest, GoodManifestTests.exported, pod()] {
            let pod = try decode(manifest).pod
            #expect(try PodDecoder.decode(pod.json).pod == pod)
        }
    }

    @Test("The own API is read leniently: unknown fields are left out, wrong types are not")
    func lenient() throws {
        let text = """
            {apiVersion: v1, kind: Pod, new: 1, metadata: {name: p, new: []}, spec: {containers: [{name: c, new: {}}],
            activeDeadlineSeconds: 5}, status: {phase: Running, new: 1}}
            """
        let pod = try PodDecoder.read(try yaml(text))
        #expect(pod.status.phase == .running)
        #expect(pod.spec.containers.map(\.name) == ["c"])
        #expect(throws: PodDecodingError.self) {
            try PodDecoder.read(try yaml("{apiVersion: v1, kind: Pod, metadata: {name: 1}}"))
        }
    }

    @Test("An event has kubectl's fields and is read back the same")
    func event() throws {
        let time = try #require(Timestamp(rfc3339: "2026-03-01T12:00:00Z"))
        let event = Event(
            metadata: ObjectMeta(name: "p.18a", namespace: "ns"),
            involvedObject: ObjectReference(
                apiVersion: "v1", kind: "Pod", name: "p", namespace: "ns", uid: "u", fieldPath: "spec.containers{c}"),
            type: .warning, reason: "BackOff", message: "Back-off restarting failed container c in pod p", at: time,
            component: "kubelet", host: "node-1")
        #expect(
            YAMLWriter.text(event.json) == """
                apiVersion: v1
                count: 1
                eventTime: null
                firstTimestamp: "2026-03-01T12:00:00Z"
                involvedObject:
                  apiVersion: v1
                  fieldPath: spec.containers{c}
                  kind: Pod
                  name: p
                  namespace: ns
                  uid: u
                kind: Event
                lastTimestamp: "2026-03-01T12:00:00Z"
                message: Back-off restarting failed container c in pod p
                metadata:
                  name: p.18a
                  namespace: ns
                reason: BackOff
                reportingComponent: kubelet
                reportingInstance: node-1
                source:
                  component: kubelet
                  host: node-1
                type: Warning

                """)
        #expect(Event(event.json) == event)
    }
}

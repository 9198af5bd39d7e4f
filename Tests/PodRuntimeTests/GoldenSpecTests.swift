import Base
import JSON
import Kube
import OCI
import PodRuntime
import TestSupport
import Testing

/// The whole runtime spec of three pods, as it was reviewed. A change here is a change of what containers may do.
@Suite struct GoldenSpecTests {
    private func check(_ container: Container, _ spec: PodSpec, _ golden: String, devices: [RuntimeDevice] = []) throws
    {
        let image = ContainerSpecBuilderTests.image {
            $0.env = ["LANG=C"]
            $0.workingDir = "/srv"
            $0.user = "www:data"
        }
        let plan = try ContainerSpecBuilderTests.plan(container, spec, image: image, hostDevices: devices)
        let path = Path.join(Path.parent(#filePath), "Specs/\(golden).json")
        let found = JSONWriter(indent: 1, sortsKeys: true).text(plan.spec.json)
        #expect(try found == Files.readText(path), "\(golden)")
    }

    @Test func aTypicalPod() throws {
        let container = ContainerSpecBuilderTests.container {
            $0.args = ["--name", "$(NAME)"]
            $0.env = [
                EnvVar(name: "NAME", valueFrom: EnvVarSource(fieldRef: ObjectFieldSelector(fieldPath: "metadata.name")))
            ]
            $0.volumeMounts = [VolumeMount(name: "data", mountPath: "/data")]
            $0.resources.requests = ["memory": Quantity(1 << 30)]
        }
        try check(container, PodSpec(), "typical")
    }

    @Test func aPrivilegedContainer() throws {
        let container = ContainerSpecBuilderTests.container {
            $0.securityContext = SecurityContext()
            $0.securityContext?.privileged = true
        }
        try check(
            container, PodSpec(), "privileged",
            devices: [RuntimeDevice(path: "/dev/kmsg", kind: .character, major: 1, minor: 11)])
    }

    @Test func aPodOnTheHost() throws {
        var spec = PodSpec()
        (spec.hostNetwork, spec.hostIPC, spec.hostPID) = (true, true, true)
        try check(ContainerSpecBuilderTests.container(), spec, "on-the-host")
    }
}

import Base
import JSON
import NodeAPI
import NodeAPITestSupport
import TestSupport
import Testing

@testable import CLI

@Suite struct TopTests {
    /// Two reads of a node with two pods, a second apart.
    private static func usages() -> [NodeUsage] {
        func pod(_ namespace: String, _ name: String, cpu: UInt64, memory: UInt64?) -> NodeUsage.Pod {
            var resources = NodeUsage.Resources()
            (resources.cpu, resources.memory, resources.workingSet) = (cpu, memory, memory)
            let container = NodeUsage.Container(
                name: "main", started: Timestamp(nanoseconds: 0), image: "i", id: name, resources: resources)
            return NodeUsage.Pod(
                namespace: namespace, name: name, uid: name, started: Timestamp(nanoseconds: 0), resources: resources,
                containers: [container])
        }
        return [Int64(1), 2].map { second in
            var node = NodeUsage.Resources()
            (node.cpu, node.memory, node.workingSet) = (UInt64(second) * 500_000_000, 1 << 30, 1 << 30)
            return NodeUsage(
                nodeName: "node", time: Timestamp(nanoseconds: second * 1_000_000_000),
                instant: BootInstant(nanoseconds: second * 1_000_000_000), booted: Timestamp(nanoseconds: 0),
                resources: node, availableMemory: 3 << 30, fileSystem: nil, imageFileSystem: nil,
                pods: [
                    pod("default", "idle", cpu: 7, memory: 30 << 20),
                    pod("default", "web", cpu: UInt64(second) * 12_300_000, memory: 5 << 20),
                    pod("system", "dns", cpu: UInt64(second) * 1_000_000, memory: nil),
                ])
        }
    }

    private func ran(_ line: String) throws -> Ran {
        let node = try BackgroundNode { node, _ in node.usages = Self.usages() }
        defer { node.stop() }
        return run(line, root: node.folder.path)
    }

    @Test func podsAreShownAsKubectlShowsThem() throws {
        #expect(
            try ran("top pods").output == """
                NAME   CPU(cores)   MEMORY(bytes)
                idle   0m           30Mi
                web    13m          5Mi

                """)
        #expect(
            try ran("top po -A --sort-by=cpu --containers --no-headers").output == """
                default     web    main   13m          5Mi
                system      dns    main   1m           <unknown>
                default     idle   main   0m           30Mi

                """)
        #expect(try ran("top pod --sort-by memory web idle --no-headers").output.hasPrefix("idle"))
    }

    @Test func theNodeIsShownWithItsShares() throws {
        let output = try ran("top node --no-headers").output
        #expect(output.contains("500m") && output.contains("1024Mi") && output.contains("25%"), "\(output)")
    }

    @Test func whatCannotBeShownIsSaid() throws {
        #expect(try ran("top pods nobody").code == 1)
        #expect(try ran("top pods --sort-by age").code == 2)
        #expect(try ran("top things").code == 2)
        #expect(try ran("top node other").code == 2)
        #expect(try ran("top pods -n none").errors == "No pods run in none namespace.\n")
    }
}

@Suite struct DoctorTests {
    @Test func aNodeThatIsWellIsSaidToBe() throws {
        let node = try BackgroundNode { node, _ in node.setPod("web", phase: "Succeeded") }
        defer { node.stop() }
        let ran = run("doctor", root: node.folder.path)
        #expect(ran.code == 0 && ran.output.hasPrefix("Nothing is wrong"), "\(ran)")
    }

    @Test func everythingThatIsWrongIsSaidWithWhatToDo() throws {
        let node = try BackgroundNode { node, _ in
            node.setPod("web", phase: "Pending")
            node.isDrained = true
            node.problemList = [
                ManifestProblem(path: "/etc/podspecs/a.yaml", line: 3, column: 5, message: "spec.containers: missing")
            ]
        }
        defer { node.stop() }
        let ran = run("doctor", root: node.folder.path)
        #expect(ran.code == 1)
        #expect(ran.output.contains("draining: no pod is started"))
        #expect(ran.output.contains("manifest: /etc/podspecs/a.yaml:3:5: spec.containers: missing"))
        #expect(ran.output.contains("Pod default/web"))
    }

    @Test func whatTheMachineLacksAndWaitsForARestartIsSaid() {
        let status: JSONValue = [
            "features": [
                ["name": "cgroups", "state": "fallback", "detail": "limits are not enforced"],
                ["name": "overlay", "state": "used", "detail": "fine"],
            ],
            "conditions": [
                ["type": "ConfigurationValid", "status": "True", "reason": "RestartNeeded", "message": "x changed"],
                ["type": "StatusURLReady", "status": "True", "reason": "Taken", "message": "u"],
                ["type": "PodsURLReady", "status": "False", "reason": "NoGoodAnswer", "message": "404"],
            ],
        ]
        #expect(
            DoctorCommand.findings(status) == [
                "cgroups: limits are not enforced", "ConfigurationValid: x changed", "PodsURLReady: 404",
            ])
    }
}

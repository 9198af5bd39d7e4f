import Cgroups
import Kube
import PodRuntime
import Testing

private func quantities(_ texts: [String: String]) throws -> [String: Quantity] {
    try texts.mapValues { try #require(Quantity($0)) }
}

private func container(
    _ name: String, requests: [String: String] = [:], limits: [String: String] = [:]
) throws -> Container {
    var container = Container(name: name, image: "i")
    container.resources = ResourceRequirements(limits: try quantities(limits), requests: try quantities(requests))
    return container
}

@Suite struct PodResourcesTests {
    private struct Case: CustomStringConvertible, Sendable {
        var description: String
        var containers: [([String: String], [String: String])]
        var initContainers: [([String: String], [String: String])] = []
        var qosClass: QOSClass
    }

    private static let cases: [Case] = [
        Case(description: "nothing asked", containers: [([:], [:])], qosClass: .bestEffort),
        Case(
            description: "zeros ask for nothing", containers: [(["cpu": "0"], ["memory": "0"])], qosClass: .bestEffort),
        Case(
            description: "other resources do not count", containers: [(["ephemeral-storage": "1Gi"], [:])],
            qosClass: .bestEffort),
        Case(
            description: "limits alone", containers: [([:], ["cpu": "1", "memory": "1Gi"])], qosClass: .guaranteed),
        Case(
            description: "requests that are the limits, written otherwise",
            containers: [(["cpu": "1000m", "memory": "1024Mi"], ["cpu": "1", "memory": "1Gi"])], qosClass: .guaranteed),
        Case(description: "only one limit", containers: [([:], ["cpu": "1"])], qosClass: .burstable),
        Case(
            description: "request below the limit",
            containers: [(["cpu": "500m"], ["cpu": "1", "memory": "1Gi"])], qosClass: .burstable),
        Case(
            description: "one container without",
            containers: [([:], ["cpu": "1", "memory": "1Gi"]), ([:], [:])], qosClass: .burstable),
        Case(
            description: "an init container without", containers: [([:], ["cpu": "1", "memory": "1Gi"])],
            initContainers: [([:], [:])], qosClass: .burstable),
        Case(
            description: "an init container that asks", containers: [([:], [:])],
            initContainers: [(["cpu": "1"], [:])], qosClass: .burstable),
    ]

    @Test(arguments: cases)
    private func theClassOfService(case: Case) throws {
        var spec = PodSpec(
            containers: try `case`.containers.enumerated().map {
                try container("c\($0.offset)", requests: $0.element.0, limits: $0.element.1)
            })
        spec.initContainers = try `case`.initContainers.enumerated().map {
            try container("i\($0.offset)", requests: $0.element.0, limits: $0.element.1)
        }
        #expect(PodResources(spec).qosClass == `case`.qosClass)
    }

    @Test func aPodAsksForItsContainersTogetherOrItsLargestInitContainer() throws {
        var spec = PodSpec(containers: [
            try container("a", requests: ["cpu": "200m", "memory": "64Mi"], limits: ["cpu": "1", "memory": "128Mi"]),
            try container(
                "b", requests: ["cpu": "300m", "memory": "64Mi"], limits: ["cpu": "500m", "memory": "128Mi"]),
        ])
        spec.initContainers = [try container("i", limits: ["cpu": "400m", "memory": "1Gi"])]
        var total = ResourceAmounts()
        (total.cpuRequest, total.cpuLimit) = (500, 1500)
        (total.memoryRequest, total.memoryLimit) = (1 << 30, 1 << 30)
        #expect(PodResources(spec).total == total)
        #expect(PodResources(spec).hasLimits)

        // One init container without a limit takes the pod's limit away.
        spec.initContainers.append(try container("j", requests: ["cpu": "1"]))
        total.cpuRequest = 1000
        (total.cpuLimit, total.memoryLimit) = (nil, nil)
        #expect(PodResources(spec).total == total)
    }

    @Test func hugeAmountsDoNotOverflow() throws {
        let most = try container("a", requests: ["cpu": "9E", "memory": "8E"], limits: ["cpu": "9E", "memory": "8E"])
        let total = PodResources(PodSpec(containers: [most, most])).total
        #expect(total.cpuRequest == .max && total.memoryLimit == .max)
    }

    @Test(
        arguments: [
            (QOSClass.guaranteed, 0, -997), (.bestEffort, 0, 1000), (.burstable, 0, 999), (.burstable, 1, 999),
            (.burstable, 8 << 30, 500), (.burstable, 16 << 30, 3), (.burstable, Int64.max, 3),
        ] as [(QOSClass, Int64, Int)])
    func whoIsKilledFirstWhenMemoryRunsOut(qosClass: QOSClass, request: Int64, score: Int) {
        #expect(OOMScore.adjustment(qosClass, memoryRequest: request, memoryCapacity: 16 << 30) == score)
    }

    @Test func theCgroupsOfABurstablePod() throws {
        let directory = try #require(PodDirectory(root: "/pods", uid: "u-1"))
        let limited = try container(
            "a", requests: ["cpu": "250m", "memory": "64Mi"], limits: ["cpu": "500m", "memory": "128Mi"])
        let free = try container("b")
        let plan = PodCgroupPlan(PodSpec(containers: [limited, free]), directory: directory, podPIDLimit: 512)
        #expect(plan.path == "kubepods/burstable/podu-1")
        #expect(plan.path(of: "a") == "kubepods/burstable/podu-1/a")
        var pod = CgroupLimits()
        pod.cpuWeight = 10
        pod.pidsMax = .at(512)
        #expect(plan.limits == pod)
        var a = CgroupLimits()
        a.cpuWeight = 35
        a.cpuQuota = .at(50_000)
        a.memoryMax = .at(128 << 20)
        a.swapMax = .at(0)
        a.oomGroup = true
        #expect(plan.limits(of: limited) == a)
        var b = CgroupLimits()
        b.cpuWeight = 1
        b.swapMax = .at(0)
        b.oomGroup = true
        #expect(plan.limits(of: free) == b)
    }

    @Test func aGuaranteedPodLiesBesideTheClassesWithAllItsLimits() throws {
        let directory = try #require(PodDirectory(root: "/pods", uid: "u"))
        let one = try container("a", limits: ["cpu": "1", "memory": "1Gi"])
        let plan = PodCgroupPlan(PodSpec(containers: [one]), directory: directory)
        var limits = CgroupLimits()
        limits.cpuWeight = 39
        limits.cpuQuota = .at(100_000)
        limits.memoryMax = .at(1 << 30)
        #expect(plan.path == "kubepods/podu")
        #expect(plan.limits == limits)
        #expect(plan.limits(of: one).cpuWeight == 100)
    }

    @Test func theClassesShareWhatTheirPodsAskFor() throws {
        let node = NodeFacts(
            name: "n", addresses: [], memoryCapacity: 4 << 30, allocatableMilliCPU: 4000, allocatableMemory: 3 << 30)
        var root = CgroupLimits()
        root.cpuWeight = 157
        root.memoryMax = .at(3 << 30)
        #expect(PodCgroupPlan.rootLimits(node) == root)
        let pods = try [
            PodResources(PodSpec(containers: [container("a", requests: ["cpu": "500m"])])),
            PodResources(PodSpec(containers: [container("a", requests: ["cpu": "500m"])])),
            PodResources(PodSpec(containers: [container("a", limits: ["cpu": "8", "memory": "1Gi"])])),
        ]
        #expect(PodCgroupPlan.limits(of: .burstable, pods: pods).cpuWeight == 39)
        #expect(PodCgroupPlan.limits(of: .burstable, pods: []).cpuWeight == 1)
        #expect(PodCgroupPlan.limits(of: .bestEffort, pods: pods).cpuWeight == 1)
        #expect(PodCgroupPlan.limits(of: .guaranteed, pods: pods) == CgroupLimits())
    }
}

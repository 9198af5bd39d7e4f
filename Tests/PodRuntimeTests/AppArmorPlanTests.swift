import JSON
import Kube
import OCI
import PodProtocol
import PodRuntime
import Testing

@Suite struct AppArmorPlanTests {
    private static func chosen(
        pod: AppArmorProfile? = nil, _ own: AppArmorProfile? = nil, privileged: Bool = false
    ) throws -> ContainerPlan.AppArmor {
        var spec = PodSpec()
        spec.securityContext.appArmorProfile = pod
        var security = SecurityContext()
        security.appArmorProfile = own
        security.privileged = privileged
        return try ContainerSpecBuilderTests.plan(
            ContainerSpecBuilderTests.container { $0.securityContext = security }, spec
        ).appArmor
    }

    @Test func theContainersProfileGoesBeforeThePodsAndTheDefaultIsTheNodes() throws {
        let (runtime, open) = (AppArmorProfile(type: .runtimeDefault), AppArmorProfile(type: .unconfined))
        let web = AppArmorProfile(type: .localhost, localhostProfile: "web")
        #expect(try Self.chosen() == .runtimeDefault(isAsked: false))
        #expect(try Self.chosen(pod: runtime) == .runtimeDefault(isAsked: true))
        #expect(try Self.chosen(pod: web) == .localhost("web"))
        #expect(try Self.chosen(pod: web, open) == .unconfined)
        #expect(try Self.chosen(pod: open, runtime) == .runtimeDefault(isAsked: true))
    }

    @Test func aPrivilegedContainerIsUnderNoneButOneThatItNames() throws {
        let runtime = AppArmorProfile(type: .runtimeDefault)
        let web = AppArmorProfile(type: .localhost, localhostProfile: "web")
        #expect(try Self.chosen(privileged: true) == .unconfined)
        #expect(try Self.chosen(pod: runtime, privileged: true) == .unconfined)
        #expect(try Self.chosen(pod: runtime, web, privileged: true) == .localhost("web"))
    }

    @Test func theSupervisorIsToldOfItInTheRuntimeConfiguration() throws {
        let plan = try ContainerSpecBuilderTests.plan(ContainerSpecBuilderTests.container())
        let start = plan.start(id: "x-1", seccompProgram: nil, appArmorProfile: "web", cgroup: nil)
        #expect(try RuntimeSpec(json: start.spec).process.apparmorProfile == "web")
        let none = plan.start(id: "x-1", seccompProgram: nil, cgroup: nil)
        #expect(try RuntimeSpec(json: none.spec).process.apparmorProfile == nil)
    }
}

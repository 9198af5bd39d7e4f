import Testing

@testable import Linux

@Suite struct CapabilityTests {
    @Test func namesAndNumbersAreTheKernels() throws {
        #expect(Capability(name: "CAP_CHOWN")?.rawValue == 0)
        #expect(Capability(name: "CAP_SYS_ADMIN") == .sysAdmin)
        #expect(Capability(name: "CAP_SYS_RESOURCE") == .sysResource)
        #expect(Capability.sysAdmin.name == "CAP_SYS_ADMIN")
        for name in ["CHOWN", "CAP_FLY", "CAP_", "", "cap_chown", "CAP_99"] {
            #expect(Capability(name: name) == nil, "\(name)")
        }
        for capability in CapabilitySet.all.members { #expect(Capability(name: capability.name) == capability) }
    }

    @Test func setsHoldAllNumbers() throws {
        let all = CapabilitySet.all
        #expect(all.members.count == Int(Capability.last.rawValue) + 1)
        #expect(all.subtracting(all).isEmpty)
        #expect(CapabilitySet.named(["CAP_KILL", "X"]) == .failure(UnknownCapability(name: "X")))
        #expect(CapabilitySet([.setPCap, .sysAdmin]).bits == 1 << 8 | 1 << 21)
    }

    @Test func resourceLimitsAreKnownByName() throws {
        #expect(ResourceLimit(name: "RLIMIT_FISH") == nil)
        let limit = try #require(ResourceLimit(name: "RLIMIT_NOFILE")).current()
        #expect(limit.soft > 0 && limit.soft <= limit.hard)
    }
}

import Base
import Testing

@testable import Cgroups

@Suite struct CgroupLimitsTests {
    @Test func limitsBecomeTheFilesOfTheKernel() throws {
        var limits = CgroupLimits()
        limits.cpuWeight = 39
        limits.cpuQuota = .at(50_000)
        limits.memoryMax = .at(64 << 20)
        limits.swapMax = .at(0)
        limits.oomGroup = true
        limits.pidsMax = .unlimited
        limits.hugepages = ["2MB": 0]
        limits.unified = ["io.weight": "100"]
        #expect(
            try limits.writes().map { "\($0.file)=\($0.value)" } == [
                "cpu.weight=39", "cpu.max=50000 100000", "memory.max=67108864", "memory.swap.max=0",
                "memory.oom.group=1", "pids.max=max", "hugetlb.2MB.max=0", "io.weight=100",
            ])
    }

    @Test(arguments: ["cgroup.kill", "cgroup.procs", "../memory.max", "memory.max/x", "memory"])
    func aUnifiedKeyThatIsNoLimitIsRefused(_ key: String) {
        var limits = CgroupLimits()
        limits.unified = [key: "1"]
        #expect(throws: SystemError.self) { try limits.writes() }
    }

    @Test func valuesOutOfTheKernelsRangeAreRefused() {
        var limits = CgroupLimits()
        limits.cpuWeight = 0
        #expect(throws: SystemError.self) { try limits.writes() }
        limits.cpuWeight = nil
        limits.cpuQuota = .at(999)
        #expect(throws: SystemError.self) { try limits.writes() }
    }

    @Test func whatTheKernelKeptIsCompared() {
        #expect(CgroupLimits.holds(.init(file: "memory.max", value: "1000000"), "999424"))
        #expect(!CgroupLimits.holds(.init(file: "memory.max", value: "1000000"), "max"))
        #expect(!CgroupLimits.holds(.init(file: "pids.max", value: "10"), "11"))
        #expect(CgroupLimits.holds(.init(file: "cpuset.cpus", value: "0,1,2"), "0-2"))
        #expect(!CgroupLimits.holds(.init(file: "cpuset.cpus", value: "0-3"), "0-1"))
    }

    @Test func quantitiesAreConvertedAsTheKubeletAndRuntimesDo() {
        #expect(CPUWeight.shares(milliCPU: 1000) == 1024)
        #expect(CPUWeight.shares(milliCPU: 0) == 2)
        #expect(CPUWeight.shares(milliCPU: .max) == 262_144)
        #expect(CPUWeight.pod(shares: 1024) == 39)
        #expect(CPUWeight.pod(shares: 2) == 1)
        #expect(CPUWeight.pod(shares: 262_144) == 10000)
        #expect(CPUWeight.container(shares: 2) == 1)
        #expect(CPUWeight.container(shares: 1024) == 100)
        #expect(CPUWeight.container(shares: 262_144) == 10000)
        #expect(CPUWeight.quota(milliCPU: 500) == 50_000)
        #expect(CPUWeight.quota(milliCPU: 1) == 1000)
    }
}

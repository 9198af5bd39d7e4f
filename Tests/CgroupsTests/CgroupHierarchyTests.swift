import Testing

@testable import Cgroups

@Suite struct CgroupHierarchyTests {
    @Test func aHybridHostIsToldWhichControllersAreElsewhere() throws {
        let table = """
            30 23 0:26 / /sys/fs/cgroup/cpu rw,relatime shared:8 - cgroup cgroup rw,cpu,cpuacct
            31 23 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            32 23 0:28 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
            33 23 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
            34 23 0:30 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:9 - cgroup2 cgroup2 rw
            """
        let found = try #require(CgroupHierarchy.parse(mountInfo: table))
        #expect(found.mountPoint == "/sys/fs/cgroup/uni fied")
        #expect(found.legacy == ["cpu", "cpuacct", "memory", "pids"])
        #expect(found.missing == ["cpu", "memory", "pids"])
        #expect(found.complaint?.contains("systemd.unified_cgroup_hierarchy=1") == true)
    }

    @Test func noCgroup2IsNoHierarchy() {
        #expect(CgroupHierarchy.parse(mountInfo: "31 23 0:27 / /a rw - cgroup cgroup rw,memory\nnonsense") == nil)
    }

    @Test func aUnifiedHostHasNoComplaint() {
        let host = CgroupHierarchy(mountPoint: "/sys/fs/cgroup", controllers: ["cpu", "io", "memory", "pids"])
        #expect(host.complaint == nil)
    }
}

import Kube
import PodRuntime
import Testing

@Suite struct SysctlPolicyTests {
    private func refusal(
        _ names: String..., allowing: [String] = [], _ change: (inout PodSpec) -> Void = { _ in }
    ) -> String? {
        var spec = PodSpec()
        spec.securityContext.sysctls = names.map { Sysctl(name: $0, value: "1") }
        change(&spec)
        return SysctlPolicy(allowing: allowing).refusal(of: spec)
    }

    @Test func theSafeOnesAndWhatTheOperatorAllowsMayBeSetAndNothingElse() {
        #expect(refusal() == nil)
        #expect(refusal("net.ipv4.tcp_syncookies", "net/ipv4/ip_local_port_range", "kernel.shm_rmid_forced") == nil)
        #expect(
            refusal("net.ipv4.tcp_syncookies", "kernel.msgmax")
                == "forbidden sysctl: \"kernel.msgmax\" not allowlisted")
        #expect(refusal("kernel.msgmax", allowing: ["kernel.msg*"]) == nil)
        #expect(refusal("kernel/msgmax", allowing: ["kernel.msgmax"]) == nil)
        #expect(refusal("kernel.msgmax", allowing: ["kernel.msgmnb"]) != nil)
        #expect(refusal("net.ipv4.conf.eth0/5.forwarding", allowing: ["net/ipv4/conf/eth0.5/forwarding"]) == nil)
    }

    @Test func whatIsOfTheMachineIsNeverAllowed() {
        #expect(refusal("vm.swappiness", allowing: ["vm.swappiness", "*"]) != nil)
        #expect(refusal("kernel.hostname", allowing: ["kernel.*"]) != nil)
        for name in ["vm.swappiness", "*", "kernel.*", "kernel.hostname", "net", "fs.file-max"] {
            #expect(!SysctlPolicy.isPattern(name), "\(name)")
        }
        for name in ["kernel.shm*", "kernel.sem", "fs.mqueue.*", "net.*", "net/core/somaxconn"] {
            #expect(SysctlPolicy.isPattern(name), "\(name)")
        }
    }

    @Test func theHostsNamespacesAreNotThePodsToChange() {
        #expect(
            refusal("net.ipv4.tcp_syncookies") { $0.hostNetwork = true }
                == "forbidden sysctl: \"net.ipv4.tcp_syncookies\" not allowed with host net enabled")
        #expect(
            refusal("kernel.shm_rmid_forced") { $0.hostIPC = true }
                == "forbidden sysctl: \"kernel.shm_rmid_forced\" not allowed with host ipc enabled")
        #expect(refusal("kernel.shm_rmid_forced") { $0.hostNetwork = true } == nil)
    }
}

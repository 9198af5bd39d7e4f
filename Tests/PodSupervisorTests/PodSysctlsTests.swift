import PodProtocol
import Testing

@testable import PodSupervisor

@Suite struct PodSysctlsTests {
    private func configuration(
        network: PodConfiguration.Namespace = .own, ipc: PodConfiguration.Namespace = .own
    ) -> PodConfiguration {
        PodConfiguration(
            uid: "u", name: "ns/p", hostname: nil, network: network, ipc: ipc, uts: .own,
            sharesProcessNamespace: false, runFolder: "/run/p")
    }

    @Test func onlyParametersOfThePodsOwnNamespacesAreSet() {
        let own = configuration(network: .path("/run/netns/x"))
        for path in ["net/core/somaxconn", "kernel/sem", "kernel/shmmax", "kernel/msgmax", "fs/mqueue/msg_max"] {
            #expect(PodSysctls.isOwn(path, own), "\(path)")
        }
        for path in ["vm/swappiness", "kernel/hostname", "net/../vm/swappiness", "kernel/shm/../x", "fs/file-max", ""] {
            #expect(!PodSysctls.isOwn(path, own), "\(path)")
        }
        #expect(!PodSysctls.isOwn("net/core/somaxconn", configuration(network: .host)))
        #expect(!PodSysctls.isOwn("kernel/sem", configuration(ipc: .host)))
    }
}

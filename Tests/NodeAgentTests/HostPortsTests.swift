import Kube
import Testing

@testable import NodeAgent

@Suite struct HostPortsTests {
    private static func pod(_ name: String, _ ports: ContainerPort...) -> Pod {
        var container = Container(name: "c", image: "i")
        container.ports = ports
        return Pod(
            metadata: ObjectMeta(name: name, namespace: "default", uid: name), spec: PodSpec(containers: [container]))
    }

    private static func port(
        _ number: Int32, _ address: String? = nil, _ kind: PortProtocol = .tcp
    ) -> ContainerPort {
        ContainerPort(containerPort: 1, protocol: kind, hostPort: number, hostIP: address)
    }

    @Test func aPortIsOnePodsUntilItIsReleased() throws {
        var ports = HostPorts()
        try ports.claim(Self.pod("a", Self.port(80), Self.port(81)))
        let error = #expect(throws: NetworkFailure.self) {
            try ports.claim(Self.pod("b", Self.port(79), Self.port(80)))
        }
        #expect(error?.description == "hostPort 80/TCP is taken by pod default/a")
        // What was refused has taken nothing, and a pod may ask again for its own.
        try ports.claim(Self.pod("c", Self.port(79)))
        try ports.claim(Self.pod("a", Self.port(80)))
        try ports.claim(Self.pod("d", Self.port(81)))
        ports.release("a")
        try ports.claim(Self.pod("b", Self.port(80)))
    }

    @Test func protocolsAndAddressesTellPortsApartAndAllAddressesMeetEveryOne() throws {
        var ports = HostPorts()
        try ports.claim(Self.pod("a", Self.port(53, "127.0.0.1")))
        try ports.claim(Self.pod("b", Self.port(53, nil, .udp)))
        try ports.claim(Self.pod("c", Self.port(53, "192.0.2.1")))
        for address in [nil, "0.0.0.0", "::", "127.0.0.1"] {
            #expect(throws: NetworkFailure.self) { try ports.claim(Self.pod("d", Self.port(53, address))) }
        }
    }
}

import Kube
import PodRuntime
import Testing

@Suite struct PodNamesTests {
    private static func pod(_ change: (inout PodSpec) -> Void) -> Pod {
        var spec = PodSpec()
        change(&spec)
        return Pod(metadata: ObjectMeta(name: "web-0", namespace: "prod", uid: "u-1"), spec: spec)
    }

    private static func node(_ change: (inout NodeFacts) -> Void = { _ in }) -> NodeFacts {
        var node = NodeFacts(
            name: "n", addresses: [], memoryCapacity: 0, allocatableMilliCPU: 0, allocatableMemory: 0)
        change(&node)
        return node
    }

    private func names(
        _ node: NodeFacts = node(), _ change: (inout PodSpec) -> Void
    ) throws(PodNames.TooLong) -> PodNames {
        try PodNames(Self.pod(change), node: node, nodeHostname: "machine.example.org")
    }

    @Test func theFullNameIsTheKernelsOnlyWhereAskedFor() throws {
        #expect(try names { _ in } == PodNames(host: "web-0"))
        let domain = "db.prod.svc.cluster.local"
        #expect(try names { $0.subdomain = "db" } == PodNames(host: "web-0", domain: domain))
        let full = try names {
            ($0.hostname, $0.subdomain, $0.setHostnameAsFQDN) = ("first", "db", true)
        }
        #expect(full == PodNames(host: "first", domain: domain, kernel: "first." + domain))
        #expect(try names { $0.setHostnameAsFQDN = true } == PodNames(host: "web-0"), "without a domain there is none")
        let elsewhere = try names(Self.node { $0.clusterDomain = "edge" }) { $0.subdomain = "db" }
        #expect(elsewhere.domain == "db.prod.svc.edge")
    }

    @Test func anOverrideIsTheWholeNameAndOnTheHostsNetworkTheHostsNameIsIt() throws {
        let override = try names { ($0.hostname, $0.subdomain, $0.hostnameOverride) = ("a", "b", "box.example") }
        #expect(override == PodNames(host: "box.example"))
        let host = try names { ($0.hostname, $0.subdomain, $0.hostNetwork) = ("a", "b", true) }
        #expect(host == PodNames(host: "machine.example.org"))
    }

    @Test func aFullNameThatTheKernelHasNoRoomForIsRefusedInTheKubeletsWords() throws {
        let room = 64 - "web-0..prod.svc.cluster.local".utf8.count
        let fits = try names {
            ($0.subdomain, $0.setHostnameAsFQDN) = (String(repeating: "s", count: room), true)
        }
        #expect(fits.kernel.utf8.count == 64)
        let long = String(repeating: "s", count: room + 1)
        let error = #expect(throws: PodNames.TooLong.self) {
            try names { ($0.subdomain, $0.setHostnameAsFQDN) = (long, true) }
        }
        #expect(
            error?.description == "failed to construct FQDN from pod hostname and cluster domain, FQDN "
                + "web-0.\(long).prod.svc.cluster.local is too long (64 characters is the max, 65 characters requested)"
        )
        #expect(try names { $0.subdomain = long }.kernel == "web-0")
    }

    private struct Resolver: Equatable {
        var file: ResolverConfiguration
        var misses = false
    }

    private func resolver(_ node: NodeFacts = node(), _ change: (inout PodSpec) -> Void) -> Resolver {
        var misses = false
        let host = ResolverConfiguration(servers: ["192.0.2.1"], searches: ["lan"], options: ["rotate"])
        let file = ResolverConfiguration(Self.pod(change), node: node, host: host, misses: &misses)
        return Resolver(file: file, misses: misses)
    }

    private static let cluster = node { $0.clusterDNS = ["10.96.0.10"] }

    @Test func clusterFirstAsksTheClustersServerWithTheClustersSearchesBeforeTheNodes() {
        let file = ResolverConfiguration(
            servers: ["10.96.0.10"], searches: ["prod.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan"],
            options: ["ndots:5"])
        #expect(resolver(Self.cluster) { _ in } == Resolver(file: file))
        #expect(
            resolver(Self.cluster) { ($0.hostNetwork, $0.dnsPolicy) = (true, .clusterFirstWithHostNet) }
                == Resolver(file: file))
        let host = ResolverConfiguration(servers: ["192.0.2.1"], searches: ["lan"], options: ["rotate"])
        #expect(resolver(Self.cluster) { $0.hostNetwork = true } == Resolver(file: host))
        #expect(resolver(Self.cluster) { $0.dnsPolicy = .default } == Resolver(file: host))
        #expect(resolver { _ in } == Resolver(file: host, misses: true), "no cluster's server is known")
        #expect(resolver { $0.dnsPolicy = .default } == Resolver(file: host))
    }

    @Test func dnsConfigIsAddedToWhatThePolicyGivesAndWithNoneIsAll() {
        let config = PodDNSConfig(
            nameservers: ["10.0.0.53", "192.0.2.1"], searches: ["a.example", "lan"],
            options: [PodDNSConfigOption(name: "ndots", value: "2"), PodDNSConfigOption(name: "edns0")])
        let alone = resolver {
            ($0.dnsPolicy, $0.dnsConfig) = (.none, config)
        }
        #expect(!alone.misses)
        #expect(alone.file.servers == config.nameservers && alone.file.searches == config.searches)
        #expect(alone.file.options == ["ndots:2", "edns0"])
        let added = resolver { ($0.dnsPolicy, $0.dnsConfig) = (.default, config) }.file
        #expect(
            added
                == ResolverConfiguration(
                    servers: ["192.0.2.1", "10.0.0.53"], searches: ["lan", "a.example"],
                    options: ["rotate", "ndots:2", "edns0"]))
        let inCluster = resolver(Self.cluster) { $0.dnsConfig = config }.file
        #expect(inCluster.servers == ["10.96.0.10", "10.0.0.53", "192.0.2.1"])
        #expect(inCluster.options == ["ndots:2", "edns0"])
    }
}

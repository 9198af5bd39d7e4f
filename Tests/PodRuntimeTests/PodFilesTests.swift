import PodRuntime
import Testing

@Suite struct PodFilesTests {
    @Test func theHostsFileIsTheKubelets() {
        let text = HostsFile.managed(
            addresses: ["10.88.0.7", "fd00::7"], hostname: "web", domain: nil,
            aliases: [.init(ip: "10.1.2.3", hostnames: ["foo.remote", "bar.remote"])])
        let expected =
            "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
            + "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
            + "10.88.0.7\tweb\nfd00::7\tweb\n\n# Entries added by HostAliases.\n10.1.2.3\tfoo.remote\tbar.remote\n"
        #expect(text == expected)
    }

    @Test func aPodWithASubdomainHasItsFullNameFirst() {
        let text = HostsFile.managed(
            addresses: ["10.88.0.7"], hostname: "web-0", domain: "db.prod.svc.cluster.local", aliases: [])
        #expect(text.hasSuffix("fe00::2\tip6-allrouters\n10.88.0.7\tweb-0.db.prod.svc.cluster.local\tweb-0\n"))
    }

    @Test func onTheHostsNetworkTheNodesFileStandsBetweenHeaderAndAliases() {
        let text = HostsFile.hostNetwork(
            nodeFile: "127.0.0.1 localhost\n", aliases: [.init(ip: "1.2.3.4", hostnames: ["a"])])
        #expect(
            text == "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n"
                + "\n# Entries added by HostAliases.\n1.2.3.4\ta\n")
    }

    @Test(
        arguments: [
            ("web", nil, "web"), ("web", "", "web"), ("web", "other", "other"),
            (String(repeating: "a", count: 70), nil, String(repeating: "a", count: 63)),
            (String(repeating: "a", count: 61) + "-.b", nil, String(repeating: "a", count: 61)),
            (String(repeating: "-", count: 70), nil, nil),
        ] as [(String, String?, String?)])
    func aHostNameIsCutTo63(pod: String, hostname: String?, expected: String?) {
        #expect(PodHostname.name(podName: pod, hostname: hostname) == expected)
    }

    @Test func aNodesFileWithoutAnEndOfLineDoesNotSwallowAnAlias() {
        let text = HostsFile.hostNetwork(nodeFile: "::1 a", aliases: [.init(ip: "1.2.3.4", hostnames: ["b"])])
        #expect(text.hasSuffix("::1 a\n\n# Entries added by HostAliases.\n1.2.3.4\tb\n"))
    }

    @Test func aResolvConfIsReadAsTheKubeletReadsIt() {
        let host = ResolverConfiguration(
            parsing: """
                # made by hand
                ; and so on
                domain example.org
                nameserver 10.0.0.1
                nameserver\t10.0.0.2
                search first.example
                search example.org. corp.example .
                options ndots:2 rotate
                options ndots:3
                nameserver
                """)
        #expect(host.servers == ["10.0.0.1", "10.0.0.2"])
        #expect(host.searches == ["example.org", "corp.example", "."])
        #expect(host.options == ["ndots:3", "rotate"])
        #expect(
            host.text == "search example.org corp.example .\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n"
                + "options ndots:3 rotate\n")
    }

    @Test func dnsConfigIsAddedWithoutRepetitionAndItsOptionsWin() {
        var configuration = ResolverConfiguration(servers: ["1.1.1.1"], searches: ["a"], options: ["ndots:1"])
        configuration.append(.init(servers: ["1.1.1.1", "2.2.2.2"], searches: ["b", "a"], options: ["ndots:5", "x"]))
        #expect(
            configuration == .init(servers: ["1.1.1.1", "2.2.2.2"], searches: ["a", "b"], options: ["ndots:5", "x"]))
    }

    @Test func whatResolversCannotTakeIsLeftOutAndSaid() {
        var configuration = ResolverConfiguration(servers: ["1", "2", "3", "4"], searches: (0..<33).map { "d\($0)" })
        let messages = configuration.fitLimits()
        #expect(configuration.servers == ["1", "2", "3"])
        #expect(configuration.searches.count == 32)
        #expect(
            messages.first == "Nameserver limits were exceeded, some nameservers have been omitted, "
                + "the applied nameserver line is: 1 2 3")
        #expect(messages.count == 2)

        var long = ResolverConfiguration(searches: (10..<30).map { String(repeating: "a", count: 200) + "\($0)" })
        #expect(long.fitLimits().count == 1)
        #expect(long.searches.joined(separator: " ").utf8.count <= 2048)
        #expect(long.searches.count == 10)
        var longest = ResolverConfiguration(searches: [String(repeating: "a", count: 254), "b"])
        #expect(longest.fitLimits().count == 1)
        #expect(longest.searches == ["b"])
        var fits = ResolverConfiguration(servers: ["1"], searches: ["b"])
        #expect(fits.fitLimits().isEmpty)
    }

    @Test(arguments: ["", ".", "..", "a/b", "a\nb", "a b", "a\u{7F}", String(repeating: "a", count: 256)])
    func aUIDThatIsNoFolderNameHasNoFolder(uid: String) {
        #expect(PodDirectory(root: "/pods", uid: uid) == nil)
    }

    @Test func theLayoutOfAPodFolder() throws {
        let pod = try #require(PodDirectory(root: "/r/var/lib/swiftlet/pods", uid: "u-1"))
        #expect(pod.emptyDir("cache") == "/r/var/lib/swiftlet/pods/u-1/volumes/kubernetes.io~empty-dir/cache")
        #expect(pod.terminationLog("c") == "/r/var/lib/swiftlet/pods/u-1/containers/c/termination-log")
        #expect(pod.attempt("c", 3) == "/r/var/lib/swiftlet/pods/u-1/containers/c/3")
    }
}

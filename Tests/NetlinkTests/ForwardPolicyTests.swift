import Base
import CLinux
import Linux
import TestSupport
import Testing

@testable import Netlink

/// What is found in rulesets as those programs make them, written by `nft` and `iptables` themselves.
@Suite(
    .enabled(
        if: geteuid() == 0 && Files.exists("/usr/sbin/nft") && Files.exists("/usr/sbin/iptables-nft"),
        "makes namespaces; needs nft and iptables-nft"))
struct ForwardPolicyTests {
    private static let ours = NftablesTable(.inet, "swiftlet_cni")

    /// Runs a shell script in the namespace of the thread.
    private static func sh(_ script: String) throws {
        let spawn = Spawn("/bin/sh", ["-ec", script], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        let exit = try spawn.start().wait(block: true)
        guard exit?.code == 0 else { throw SystemError("run", script, .invalid) }
    }

    private static func obstacles(_ interface: String = "cni0", legacy: [NftablesTable] = []) throws
        -> [ForwardObstacle]
    {
        var socket = try NftablesSocket()
        return try ForwardPolicy.obstacles(&socket, interface: interface, own: [ours], legacy: legacy)
    }

    private static let docker = """
        for t in iptables-nft ip6tables-nft; do
            $t -P FORWARD DROP
            $t -N DOCKER-USER
            $t -N DOCKER-FORWARD
            $t -A FORWARD -j DOCKER-USER
            $t -A FORWARD -j DOCKER-FORWARD
            $t -A DOCKER-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
            $t -A DOCKER-FORWARD -i docker0 -j ACCEPT
            $t -A DOCKER-USER -j RETURN
        done
        """

    @Test func dockersPolicyIsFoundAndItsChainForUsersNamed() async {
        await #expect(processExitsWith: .success) { try ForwardPolicyTests.findDocker() }
    }

    private static func findDocker() throws {
        try Namespaces.network.unshare()
        #expect(try obstacles() == [])
        try sh(docker)
        let found = try obstacles()
        #expect(found.map(\.table) == [NftablesTable(.ipv4, "filter"), NftablesTable(.ipv6, "filter")])
        #expect(found.map(\.chain) == ["FORWARD", "FORWARD"])
        #expect(found.allSatisfy { $0.program == .docker && $0.reason == .policy })
        #expect(
            found[0].commands == [
                "iptables -I DOCKER-USER -i cni0 -j ACCEPT", "iptables -I DOCKER-USER -o cni0 -j ACCEPT",
            ])
        #expect(found[1].commands[0] == "ip6tables -I DOCKER-USER -i cni0 -j ACCEPT")
        #expect(
            found[0].description
                == "table ip filter, chain FORWARD: its policy drops packets forwarded from or to cni0")
        // One direction is not enough; both are, and only for this interface.
        try sh(found[0].commands[0].replacing("iptables", with: "iptables-nft"))
        #expect(try obstacles().count == 2)
        try sh(found[0].commands[1].replacing("iptables", with: "iptables-nft"))
        #expect(try obstacles().map(\.table.family) == [.ipv6])
        #expect(try obstacles("cni1").count == 2)
        #expect(try obstacles("cni").count == 2)
        var socket = try NftablesSocket()
        #expect(try ForwardPolicy.obstacles(&socket, interface: "cni0", own: [ours], includesIPv6: false) == [])
    }

    @Test func ourRulesAreAddedOnceReadByIPTablesAndRemoved() async {
        await #expect(processExitsWith: .success) { try ForwardPolicyTests.allow() }
    }

    private static func allow() throws {
        try Namespaces.network.unshare()
        try sh(
            docker
                + "\nnft add table inet f; nft 'add chain inet f c { type filter hook forward priority 0; policy drop; }'"
        )
        var socket = try NftablesSocket()
        let found = try obstacles()
        #expect(found.count == 3)
        for _ in 0..<2 { for obstacle in found { try ForwardPolicy.allow(obstacle, &socket, tag: "swiftlet-a") } }
        #expect(try obstacles() == [])
        try sh(
            """
            iptables-nft -S DOCKER-USER | grep -qx -- '-A DOCKER-USER -i cni0 .*"swiftlet-a: forward from cni0" -j ACCEPT'
            iptables-nft -S DOCKER-USER | grep -qx -- '-A DOCKER-USER -o cni0 .*"swiftlet-a: forward to cni0" -j ACCEPT'
            """)
        #expect(try socket.rules(of: found[0].table).filter { $0.chain == "DOCKER-USER" }.count == 3)
        try ForwardPolicy.removeRules(&socket, tag: "swiftlet-b")
        #expect(try obstacles() == [])
        try ForwardPolicy.removeRules(&socket, tag: "swiftlet-a")
        #expect(try obstacles() == found)
        #expect(try socket.rules(of: found[0].table).filter { $0.chain == "DOCKER-USER" }.count == 1)
    }

    @Test func ufwIsFoundAndItsRoutesCount() async {
        await #expect(processExitsWith: .success) { try ForwardPolicyTests.findUFW() }
    }

    private static func findUFW() throws {
        try Namespaces.network.unshare()
        try sh(
            """
            iptables-nft -P FORWARD DROP
            for c in ufw-before-logging-forward ufw-before-forward ufw-user-forward ufw-reject-forward; do
                iptables-nft -N $c
            done
            for c in ufw-before-logging-forward ufw-before-forward ufw-reject-forward; do
                iptables-nft -A FORWARD -j $c
            done
            iptables-nft -A ufw-before-logging-forward -m limit --limit 3/min -j LOG
            iptables-nft -A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
            iptables-nft -A ufw-before-forward -p icmp -j ACCEPT
            iptables-nft -A ufw-before-forward -j ufw-user-forward
            """)
        let found = try obstacles()
        #expect(found.map(\.program) == [.ufw])
        #expect(found.first?.commands == ["ufw route allow in on cni0", "ufw route allow out on cni0"])
        // As those commands do it.
        try sh("iptables-nft -A ufw-user-forward -i cni0 -j ACCEPT; iptables-nft -A ufw-user-forward -o cni0 -j ACCEPT")
        #expect(try obstacles() == [])
    }

    @Test func firewalldsRejectIsFoundAndItsTrustedZoneCounts() async {
        await #expect(processExitsWith: .success) { try ForwardPolicyTests.findFirewalld() }
    }

    private static func findFirewalld() throws {
        try Namespaces.network.unshare()
        try sh(
            """
            nft -f - <<'EOF'
            table inet firewalld {
                chain filter_FWD_trusted { accept; }
                chain filter_FORWARD_POLICIES { iifname "eth0" jump filter_FWD_trusted; }
                chain filter_FORWARD {
                    type filter hook forward priority filter + 10; policy accept;
                    ct state { established, related } accept
                    ct status dnat accept
                    iifname "lo" accept
                    ct state { invalid } drop
                    jump filter_FORWARD_POLICIES
                    log prefix "x" counter reject with icmpx type admin-prohibited comment "the end"
                }
            }
            EOF
            """)
        let found = try obstacles()
        #expect(found.map(\.program) == [.firewalld])
        #expect(found.map(\.reason) == [.rule(chain: "filter_FORWARD")])
        #expect(found.first?.commands == ["firewall-cmd --zone=trusted --add-interface=cni0"])
        for direction in ["iifname", "oifname"] {
            try sh(
                "nft 'add rule inet firewalld filter_FORWARD_POLICIES \(direction) \"cni*\" goto filter_FWD_trusted'")
        }
        #expect(try obstacles() == [])
    }

    @Test func othersAreJudgedByWhatIsCertain() async {
        await #expect(processExitsWith: .success) { try ForwardPolicyTests.judge() }
    }

    private static func judge() throws {
        try Namespaces.network.unshare()
        try sh(
            """
            nft -f - <<'EOF'
            table inet swiftlet_cni { chain f { type filter hook forward priority 0; policy drop; }; }
            table ip nothing { chain f { type filter hook input priority 0; policy drop; }; }
            table ip passes { chain f { type filter hook forward priority 0; policy accept; tcp dport 25 drop; }; }
            table ip some {
                chain deep { iifname != "cni0" return; drop; }
                chain f { type filter hook forward priority 0; policy accept; tcp dport 80 accept; jump deep; }
            }
            table ip loop {
                chain a { }
                chain f { type filter hook forward priority 0; policy drop; jump a; meta mark 1 accept; }
            }
            EOF
            """)
        // A kernel may be without it.
        try sh("nft 'table bridge b { chain f { type filter hook forward priority 0; policy drop; }; }' || true")
        let found = try obstacles()
        #expect(Set(found.map(\.table.name)) == ["some", "loop"])
        let some = try #require(found.first { $0.table.name == "some" })
        #expect(some.reason == .rule(chain: "deep"))
        #expect(
            some.description
                == "table ip some, chain f: a rule (in chain deep) drops packets forwarded from or to cni0")
        #expect(
            some.commands == [
                #"nft 'insert rule ip some f iifname "cni0" accept'"#,
                #"nft 'insert rule ip some f oifname "cni0" accept'"#,
            ])
        for command in some.commands { try sh(command) }
        #expect(try obstacles().map(\.table.name) == ["loop"])
    }

    @Test func aLegacyTableIsNamedAsUnreadableUnlessItIsReadAlready() async {
        await #expect(processExitsWith: .success) { try ForwardPolicyTests.findLegacy() }
    }

    private static func findLegacy() throws {
        try Namespaces.network.unshare()
        let table = NftablesTable(.ipv4, "filter")
        let found = try obstacles(legacy: [table])
        #expect(found.map(\.reason) == [.unreadable])
        #expect(found.first?.commands.first == "iptables-legacy -I FORWARD -i cni0 -j ACCEPT")
        var socket = try NftablesSocket()
        #expect(throws: NetlinkError.self) { try ForwardPolicy.allow(found[0], &socket, tag: "t") }
        #expect(try ForwardPolicy.legacyTables() == [])
        // Not every kernel has the older tables.
        if (try? sh("iptables-legacy -L FORWARD >/dev/null")) != nil {
            #expect(try ForwardPolicy.legacyTables() == [table])
        }
        try sh("iptables-nft -L FORWARD; iptables-nft -P FORWARD ACCEPT")
        #expect(try obstacles(legacy: [table]) == [])
    }

    @Test func namesOfOthersNeverReachAShell() {
        for name in ["x'; reboot '", "$(reboot)", "-f", "", "a b", "a\nb"] {
            let obstacle = ForwardObstacle(
                table: NftablesTable(.ipv4, name), chain: "FORWARD", program: .unknown, reason: .policy,
                interface: "cni0")
            #expect(obstacle.commands == [], "\(name)")
            #expect(!obstacle.description.contains("\n"))
        }
    }

    @Test func chainsThatCallEachOtherEnd() {
        let table = NftablesTable(.ipv4, "t")
        var rules: [NftablesRule] = []
        for from in 0..<40 {
            for to in 0..<40 {
                rules.append(
                    NftablesRule(table: table, chain: "c\(from)", expressions: [.verdict(.jump("c\(to)"))]))
            }
        }
        #expect(ForwardWalk(rules, interface: "x").outcome(of: "c0", .from) == .end)
    }
}

/// A chain of another program that may drop what is forwarded from or to an interface of ours.
public struct ForwardObstacle: Sendable, Hashable, CustomStringConvertible {
    /// Who keeps the chain, as far as its neighbours tell.
    public enum Program: Sendable, Hashable {
        case docker
        case ufw
        case firewalld
        case unknown
    }

    public enum Reason: Sendable, Hashable {
        /// What no rule accepts is dropped.
        case policy
        /// A rule, in this chain or one that it calls, drops or rejects it whatever else it is.
        case rule(chain: String)
        /// The table is one of the older iptables, which cannot be read here.
        case unreadable
    }

    public var table: NftablesTable
    /// The base chain.
    public var chain: String
    public var program: Program
    public var reason: Reason
    /// The interface of ours.
    public var interface: String

    public init(
        table: NftablesTable, chain: String, program: Program, reason: Reason, interface: String
    ) {
        self.table = table
        self.chain = chain
        self.program = program
        self.reason = reason
        self.interface = interface
    }

    /// `table ip filter, chain FORWARD: its policy drops …`, for a person.
    public var description: String {
        let place = "table \(table.family.name) \(Self.printable(table.name)), chain \(Self.printable(chain))"
        switch reason {
        case .policy: return "\(place): its policy drops packets forwarded from or to \(interface)"
        case .rule(let where_):
            let within = where_ == chain ? "" : " (in chain \(Self.printable(where_)))"
            return "\(place): a rule\(within) drops packets forwarded from or to \(interface)"
        case .unreadable:
            return "\(place) of iptables-legacy: it cannot be read, and may drop packets forwarded from or to "
                + interface
        }
    }

    /// Command lines that allow what it drops, to be pasted into a shell. Empty when there are none: names from another
    /// program's table that do not stand for themselves in a shell are not put there.
    public var commands: [String] {
        guard [interface, table.name, chain].allSatisfy(Self.isPlain) else { return [] }
        let directions = [("-i", "iifname"), ("-o", "oifname")]
        let iptables = table.family == .ipv6 ? "ip6tables" : "iptables"
        if reason == .unreadable {
            return directions.map { "\(iptables)-legacy -I \(chain) \($0.0) \(interface) -j ACCEPT" }
        }
        switch program {
        case .docker: return directions.map { "\(iptables) -I DOCKER-USER \($0.0) \(interface) -j ACCEPT" }
        case .ufw: return ["in", "out"].map { "ufw route allow \($0) on \(interface)" }
        case .firewalld: return ["firewall-cmd --zone=trusted --add-interface=\(interface)"]
        case .unknown:
            return directions.map {
                "nft 'insert rule \(table.family.name) \(table.name) \(chain) \($0.1) \"\(interface)\" accept'"
            }
        }
    }

    /// The chain where a rule that allows it belongs: Docker leaves one alone for that.
    var allowingChain: String { program == .docker ? "DOCKER-USER" : chain }

    private static func isPlain(_ name: String) -> Bool {
        let others = Array("_-.".utf8)
        return !name.isEmpty && name.utf8.first != UInt8(ascii: "-")
            && name.utf8.allSatisfy {
                0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || others.contains($0)
            }
    }

    private static func printable(_ name: String) -> String { isPlain(name) ? name : name.debugDescription }
}

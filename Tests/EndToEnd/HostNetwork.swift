import Base
import CLinux
import Netlink

/// The network that the tests run in, as lines: its interfaces with their addresses, routes and settings, and the whole
/// ruleset of nftables with the elements of its sets. What the kernel makes by itself for IPv6 on every link, and when
/// it likes, is left out.
struct HostNetwork: Equatable {
    var lines: [String]

    /// As it is now. What goes while it is read is looked for again.
    static func now() throws -> HostNetwork {
        var attempts = 0
        while true {
            do {
                return HostNetwork(lines: try links() + nftables() + [forwarding("ipv4/ip_forward")])
            } catch let error as NetlinkError {
                attempts += 1
                guard [.noEntry, Errno(rawValue: ENODEV)].contains(error.errno), attempts < 50 else { throw error }
                pause(milliseconds: 10)
            }
        }
    }

    private static func forwarding(_ name: String) -> String {
        let value = (try? Files.readText("/proc/sys/net/" + name)) ?? "?\n"
        return "setting \(name) \(value.dropLast())"
    }

    private static func links() throws -> [String] {
        var socket = try RouteSocket()
        var lines: [String] = []
        let links = try socket.links().sorted { $0.name < $1.name }
        let names = Dictionary(links.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
        for link in links {
            let master = link.master.map { " port of \(names[$0] ?? "\($0)")" } ?? ""
            let mac = link.mac.map { "\($0)" } ?? "without address"
            lines.append(
                "link \(link.name) \(link.kind ?? "hardware") \(mac) mtu \(link.mtu)\(link.isUp ? " up" : "")\(master)"
                    + (link.port.map { " hairpin \($0.hairpin)" } ?? ""))
            for address in try socket.addresses(of: link.index) where !isLinkLocal(address.address) {
                lines.append("address \(text(address.address))/\(address.prefixLength) of \(link.name)")
            }
            lines.append(forwarding("ipv4/conf/\(link.name)/route_localnet"))
        }
        for isIPv6 in [false, true] {
            for route in try socket.routes(ipv6: isIPv6) where !isLinkLocal(route.destination) {
                let gateway = route.gateway.map { " by \(text($0))" } ?? ""
                let link = route.interface.map { names[$0] ?? "\($0)" } ?? "?"
                lines.append(
                    "route \(text(route.destination))/\(route.prefixLength)\(gateway) on \(link) metric \(route.priority)"
                )
            }
        }
        return lines
    }

    private static func isLinkLocal(_ address: [UInt8]) -> Bool {
        address.count == 16 && address.starts(with: [0xFE, 0x80])
    }

    private static func text(_ address: [UInt8]) -> String {
        address.count == 4 ? address.map { "\($0)" }.joined(separator: ".") : hex(address)
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private static func nftables() throws -> [String] {
        var socket = try NftablesSocket()
        var lines: [String] = []
        let chains = try socket.chains()
        for table in try socket.tables() {
            lines.append("table \(table)")
            for chain in chains where chain.table == table {
                lines.append("chain \(table) \(chain.name) \(chain.base.map { "\($0)" } ?? "")")
            }
            // The kernel numbers rules anew when they are made anew.
            for rule in try socket.rules(of: table) {
                lines.append("rule \(table) \(rule.chain) \(rule.expressions) \(rule.comment)")
            }
            for set in try socket.sets(of: table) {
                lines.append("set \(table) \(set)")
                for element in try socket.elements(of: set, in: table) ?? [] {
                    let value: String =
                        switch element.value {
                        case nil: ""
                        case .bytes(let bytes): " : \(hex(bytes))"
                        case .verdict(let verdict): " : \(verdict)"
                        }
                    lines.append("element \(table) \(set) \(hex(element.key))\(value) of \(element.comment)")
                }
            }
        }
        return lines
    }
}

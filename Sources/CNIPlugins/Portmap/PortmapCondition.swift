import CNITypes
import JSON
import Netlink

/// When a mapping holds: what the packet must be, beside going to the port (`conditionsV4`, `conditionsV6`). Written as nft
/// or iptables would have it.
struct PortmapCondition: Sendable, Hashable, CustomStringConvertible {
    enum Field: Sendable, Hashable {
        case source(IPPrefix)
        case destination(IPPrefix)
        case inputInterface(String)
    }

    var field: Field
    var isNegated: Bool

    /// As nft writes it.
    var description: String {
        let comparison = isNegated ? "!= " : ""
        func address(_ name: String, _ prefix: IPPrefix) -> String {
            "\(prefix.isIPv6 ? "ip6" : "ip") \(name) \(comparison)\(prefix)"
        }
        switch field {
        case .source(let prefix): return address("saddr", prefix)
        case .destination(let prefix): return address("daddr", prefix)
        case .inputInterface(let name): return "iifname \(comparison)\"\(name)\""
        }
    }

    /// Reads the conditions of a family.
    ///
    /// - Throws: `JSONError` for what is none of those that are known here.
    static func read(_ words: [String], _ family: AddressFamily) throws(JSONError) -> [PortmapCondition] {
        var rest = words.flatMap { $0.split(separator: " ").map { String($0) } }[...]
        var conditions: [PortmapCondition] = []
        while let word = rest.first {
            guard let condition = next(&rest, family) else {
                throw JSONError(
                    "\"\(word)\" is no condition that is known here: ip saddr, ip daddr (ip6), iifname; -s, -d, -i; each "
                        + "with an address, a network or a name, and != or ! before it", at: .none)
            }
            conditions.append(condition)
        }
        return conditions
    }

    private static func next(_ rest: inout ArraySlice<String>, _ family: AddressFamily) -> PortmapCondition? {
        var isNegated = false
        func take(_ words: String...) -> Bool {
            guard rest.starts(with: words) else { return false }
            rest = rest.dropFirst(words.count)
            return true
        }
        if take("!") { isNegated = true }
        let name = family == .ipv6 ? "ip6" : "ip"
        let make: (String) -> Field?
        if take("-s") || take("--source") || take("--src") || take(name, "saddr") {
            make = { Self.prefix($0, family).map { .source($0) } }
        } else if take("-d") || take("--destination") || take("--dst") || take(name, "daddr") {
            make = { Self.prefix($0, family).map { .destination($0) } }
        } else if take("-i") || take("--in-interface") || take("iifname") || take("meta", "iifname") {
            make = { text in
                let name =
                    text.count > 1 && text.hasPrefix("\"") && text.hasSuffix("\"")
                    ? String(text.dropFirst().dropLast()) : text
                return PluginEnvironment.isInterfaceName(name) ? .inputInterface(name) : nil
            }
        } else {
            return nil
        }
        if take("!=") || take("!") { isNegated.toggle() } else { _ = take("==") }
        guard let text = rest.popFirst(), let field = make(text) else { return nil }
        return PortmapCondition(field: field, isNegated: isNegated)
    }

    private static func prefix(_ text: String, _ family: AddressFamily) -> IPPrefix? {
        let prefix = IPPrefix(text) ?? IPPrefix.parse(text).flatMap { IPPrefix(address: $0, length: 8 * $0.count) }
        return prefix.flatMap { $0.isIPv6 == (family == .ipv6) ? $0.network : nil }
    }

    /// A rule's steps that take only packets that are so.
    func expressions(_ family: AddressFamily) -> [NftablesExpression] {
        let comparison: NftablesExpression.Comparison = isNegated ? .notEqual : .equal
        func address(_ load: NftablesExpression, _ prefix: IPPrefix) -> [NftablesExpression] {
            [
                load, .mask(.first, mask: family.mask(prefix.length)),
                .compare(.first, comparison, value: prefix.network.address),
            ]
        }
        switch field {
        case .source(let prefix): return address(family.source(into: .first), prefix)
        case .destination(let prefix): return address(family.destination(into: .first), prefix)
        case .inputInterface(let name):
            return [
                .meta(.inputInterfaceName, into: .first), .compare(.first, comparison, value: FirewallRules.key(name)),
            ]
        }
    }
}

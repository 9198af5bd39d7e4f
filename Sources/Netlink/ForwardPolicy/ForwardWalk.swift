/// Follows packets of an interface through the rules of one table, as far as their fate depends on the interface alone.
struct ForwardWalk {
    enum Outcome: Hashable {
        case accept
        /// By a rule of this chain.
        case drop(chain: String)
        /// Back to where the chain was called, or to the policy.
        case end
    }

    /// Which way the packet goes through the interface. Its other interface is not known.
    enum Direction: CaseIterable {
        case from
        case to
    }

    private let rules: [String: [NftablesRule]]
    private let interface: [UInt8]

    /// The kernel's own limit of calls within calls.
    private static let depth = 16

    init(_ rules: [NftablesRule], interface: String) {
        self.rules = Dictionary(grouping: rules) { $0.chain }
        self.interface = Array(interface.utf8)
    }

    /// - Parameter budget: how many chains may still be entered: rules that call each other crosswise end.
    func outcome(of chain: String, _ direction: Direction) -> Outcome {
        var budget = 1000
        return outcome(chain, direction, Self.depth, &budget)
    }

    private func outcome(_ chain: String, _ direction: Direction, _ depth: Int, _ budget: inout Int) -> Outcome {
        guard depth > 0, budget > 0 else { return .end }
        budget -= 1
        for rule in rules[chain] ?? [] {
            guard let verdict = verdict(of: rule, direction) else { continue }
            switch verdict {
            case .accept: return .accept
            case .drop: return .drop(chain: chain)
            case .return: return .end
            case .goto(let next): return outcome(next, direction, depth - 1, &budget)
            case .jump(let next):
                let outcome = outcome(next, direction, depth - 1, &budget)
                if outcome != .end { return outcome }
            }
        }
        return .end
    }

    /// What the rule does with every such packet; nil when it takes none, only some, or does nothing.
    private func verdict(of rule: NftablesRule, _ direction: Direction) -> NftablesVerdict? {
        let known: NftablesExpression.Meta = direction == .from ? .inputInterfaceName : .outputInterfaceName
        var named: NftablesRegister?
        for expression in rule.expressions {
            switch expression {
            case .counter, .other("log"), .other("comment"): continue
            case .meta(let key, let register):
                if key == known {
                    named = register
                } else if named == register {
                    named = nil
                }
            case .compare(let register, let comparison, let value):
                // Without the terminating zero it is the beginning of a name.
                let isExact = value.contains(0) || value.count >= 16
                let text = value.prefix { $0 != 0 }
                let isEqual = isExact ? interface.elementsEqual(text) : interface.starts(with: text)
                guard register == named, isEqual == (comparison == .equal) else { return nil }
            case .verdict(let verdict): return verdict
            case .reject, .target("REJECT"), .target("DROP"): return .drop
            default: return nil
            }
        }
        return nil
    }
}

import JSON

/// What labels must be: all of it.
public struct LabelRequirements: Hashable, Sendable {
    public enum Operator: String, Hashable, Sendable, CaseIterable {
        case `in` = "In"
        case notIn = "NotIn"
        case exists = "Exists"
        case doesNotExist = "DoesNotExist"
    }

    public struct Requirement: Hashable, Sendable {
        public var key: String
        public var `operator`: Operator
        public var values: [String]

        public init(_ key: String, _ operator: Operator, _ values: [String] = []) {
            self.key = key
            self.operator = `operator`
            self.values = values
        }

        func isMet(_ labels: [String: String]) -> Bool {
            switch `operator` {
            case .in: labels[key].map(values.contains) ?? false
            case .notIn: labels[key].map { !values.contains($0) } ?? true
            case .exists: labels[key] != nil
            case .doesNotExist: labels[key] == nil
            }
        }
    }

    public var requirements: [Requirement]

    public init(_ requirements: [Requirement]) { self.requirements = requirements }

    /// core/v1.LabelSelector. What it cannot say was refused before.
    init(selector value: JSONValue) {
        requirements = value.stringMap("matchLabels").sorted { $0.key < $1.key }.map {
            Requirement($0.key, .in, [$0.value])
        }
        add(value["matchExpressions"])
    }

    /// core/v1.NodeSelectorTerm.
    init(term value: JSONValue) {
        requirements = []
        add(value["matchExpressions"])
    }

    private mutating func add(_ expressions: JSONValue?) {
        for expression in expressions?.arrayValue ?? [] {
            guard let key = expression.text("key"), let choice: Operator = expression.choice("operator") else {
                continue
            }
            requirements.append(Requirement(key, choice, expression.strings("values")))
        }
    }

    public func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.isMet(labels) } }
}

/// core/v1.NodeSelector: nodes whose labels meet one of the terms.
public struct NodeSelector: Hashable, Sendable {
    public var terms: [LabelRequirements]

    public init(_ terms: [LabelRequirements]) { self.terms = terms }

    init(_ value: JSONValue) {
        terms = (value["nodeSelectorTerms"]?.arrayValue ?? []).map { LabelRequirements(term: $0) }
    }

    /// A term without requirements matches nothing, as in Kubernetes.
    public func matches(_ labels: [String: String]) -> Bool {
        terms.contains { !$0.requirements.isEmpty && $0.matches(labels) }
    }
}

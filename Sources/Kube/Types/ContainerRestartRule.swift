import JSON

/// core/v1.ContainerRestartRule: what follows when the container ends with certain exit codes, whatever its restart
/// policy says.
public struct ContainerRestartRule: KubeValue {
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// The container runs again.
        case restart = "Restart"
        /// All containers of the pod end and begin again, from the first init container on.
        case restartAllContainers = "RestartAllContainers"
    }

    public enum Operator: String, Sendable, Hashable, CaseIterable {
        case isIn = "In"
        case isNotIn = "NotIn"
    }

    /// core/v1.ContainerRestartRuleOnExitCodes
    public struct ExitCodes: KubeValue {
        public var `operator`: Operator
        public var values: [Int32]

        public init(_ operator: Operator, _ values: [Int32]) {
            self.operator = `operator`
            self.values = values
        }

        public init(_ value: JSONValue) {
            let codes = value["values"]?.arrayValue?.compactMap { $0.integerValue.flatMap { Int32(exactly: $0) } } ?? []
            self.init(value.choice("operator") ?? .isIn, codes)
        }

        public var json: JSONValue {
            var object = JSONObject()
            object.put("operator", self.operator)
            if !values.isEmpty { object.append("values", .array(values.map { .integer($0) })) }
            return .object(object)
        }

        public func contain(_ exitCode: Int32) -> Bool { values.contains(exitCode) == (self.operator == .isIn) }
    }

    public var action: Action
    public var exitCodes: ExitCodes?

    public init(action: Action = .restart, exitCodes: ExitCodes?) {
        self.action = action
        self.exitCodes = exitCodes
    }

    public init(_ value: JSONValue) {
        self.init(action: value.choice("action") ?? .restart, exitCodes: value.value("exitCodes"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("action", action)
        object.put("exitCodes", exitCodes)
        return .object(object)
    }
}

extension [ContainerRestartRule] {
    /// Whether a rule asks for another run after this exit code: the first that has it decides.
    public func restart(after exitCode: Int32) -> Bool { action(after: exitCode) != nil }

    /// What the rules say about this exit code: the first that has it decides.
    public func action(after exitCode: Int32) -> ContainerRestartRule.Action? {
        first { $0.exitCodes?.contain(exitCode) == true }?.action
    }
}

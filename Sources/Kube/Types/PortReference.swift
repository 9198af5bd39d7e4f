import JSON

/// A port by its number or by the name that the container gives it.
public enum PortReference: Sendable, Hashable, CustomStringConvertible {
    case number(Int64)
    case name(String)

    init(_ value: JSONValue?) {
        self = value?.stringValue.map { .name($0) } ?? .number(value?.integerValue ?? 0)
    }

    var json: JSONValue {
        switch self {
        case .number(let number): .integer(number)
        case .name(let name): .string(name)
        }
    }

    public var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .name(let name): name
        }
    }

    /// The port's number; nil when the container names no such port.
    public func number(in container: Container) -> UInt16? {
        switch self {
        case .number(let number): UInt16(exactly: number).flatMap { $0 == 0 ? nil : $0 }
        case .name(let name):
            container.ports.first { $0.name == name }.flatMap { UInt16(exactly: $0.containerPort) }
        }
    }
}

import Base
import JSON

/// A Kubernetes type that reads itself from an object whose types were checked before, and writes itself as kubectl
/// prints it. Reading never fails: what is absent is nil, empty or the type's default.
public protocol KubeValue: Sendable, Hashable {
    init(_ value: JSONValue)
    var json: JSONValue { get }
}

extension JSONValue {
    /// The string, with the empty one counted as absent as Kubernetes does.
    func text(_ key: String) -> String? {
        guard let text = self[key]?.stringValue, !text.isEmpty else { return nil }
        return text
    }
    func integer(_ key: String) -> Int64? { self[key]?.integerValue }
    func bool(_ key: String) -> Bool? { self[key]?.boolValue }
    func strings(_ key: String) -> [String] { self[key]?.stringsValue ?? [] }
    func time(_ key: String) -> Timestamp? { text(key).flatMap { Timestamp(rfc3339: $0) } }

    func value<T: KubeValue>(_ key: String) -> T? {
        guard let value = self[key], value.objectValue != nil else { return nil }
        return T(value)
    }
    func values<T: KubeValue>(_ key: String) -> [T] { self[key]?.arrayValue?.map { T($0) } ?? [] }
    func choice<T: RawRepresentable<String>>(_ key: String) -> T? { text(key).flatMap { T(rawValue: $0) } }

    func stringMap(_ key: String) -> [String: String] {
        var map: [String: String] = [:]
        for member in self[key]?.objectValue?.members ?? [] { map[member.key] = member.value.stringValue ?? "" }
        return map
    }
    func quantity(_ key: String) -> Quantity? { self[key]?.quantityValue }
    func quantities(_ key: String) -> [String: Quantity] {
        var map: [String: Quantity] = [:]
        for member in self[key]?.objectValue?.members ?? [] { map[member.key] = member.value.quantityValue }
        return map
    }

    /// A quantity is written as a string or as a number.
    var quantityValue: Quantity? {
        switch content {
        case .string(let text): Quantity(text)
        case .integer(let value): Quantity(value)
        case .number(let literal): Quantity(literal)
        default: nil
        }
    }

    /// The members `keys` as they stand: fields that are kept for printing only.
    func members(_ keys: Set<String>) -> JSONObject {
        JSONObject(objectValue?.members.filter { keys.contains($0.key) && !$0.value.isNull } ?? [])
    }
}

/// Writing: absent, false and empty values are left out unless a line says otherwise, as Go's `omitempty`.
extension JSONObject {
    mutating func put(_ key: String, _ text: String?) {
        if let text, !text.isEmpty { append(key, .string(text)) }
    }
    mutating func put(_ key: String, _ value: Int64?) { append(key, ifPresent: value.map { .integer($0) }) }
    mutating func put(_ key: String, _ value: Int32?) { append(key, ifPresent: value.map { .integer($0) }) }
    mutating func put(_ key: String, _ value: Bool?) { append(key, ifPresent: value.map { .bool($0) }) }
    /// A flag that is printed only when it is set.
    mutating func put(flag key: String, _ value: Bool) {
        if value { append(key, .bool(true)) }
    }
    mutating func put(_ key: String, _ texts: [String]) {
        if !texts.isEmpty { append(key, .strings(texts)) }
    }
    mutating func put(_ key: String, _ map: [String: String]) {
        if map.isEmpty { return }
        append(
            key,
            .object(JSONObject(map.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) })))
    }
    mutating func put(_ key: String, _ map: [String: Quantity]) {
        if map.isEmpty { return }
        let members = map.sorted { $0.key < $1.key }
        append(key, .object(JSONObject(members.map { .init(key: $0.key, value: .string($0.value.description)) })))
    }
    mutating func put(_ key: String, _ quantity: Quantity?) {
        append(key, ifPresent: quantity.map { .string($0.description) })
    }
    mutating func put(_ key: String, _ time: Timestamp?) {
        append(key, ifPresent: time.map { .string($0.rfc3339) })
    }
    /// A time that is printed as null when it is not set.
    mutating func put(orNull key: String, _ time: Timestamp?) {
        append(key, time.map { .string($0.rfc3339) } ?? .null)
    }
    mutating func put(_ key: String, _ value: (some KubeValue)?) { append(key, ifPresent: value?.json) }
    mutating func put(_ key: String, _ values: [some KubeValue]) {
        if !values.isEmpty { append(key, .array(values.map(\.json))) }
    }
    mutating func put(_ key: String, _ choice: (some RawRepresentable<String>)?) {
        append(key, ifPresent: choice.map { .string($0.rawValue) })
    }
    mutating func put(carried: JSONObject) {
        for member in carried.members where self[member.key] == nil { append(member.key, member.value) }
    }
}

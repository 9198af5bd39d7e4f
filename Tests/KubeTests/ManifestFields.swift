import JSON

@testable import Kube

/// The fields of a manifest one by one, for tests that take each away.
enum ManifestFields {
    /// Calls `body` with the type, name and path of every field of `value`.
    ///
    /// - Parameter type: the name of the value's type.
    static func visit(
        _ value: JSONValue, _ type: String, _ path: [String] = [], _ body: (String, String, [String]) throws -> Void
    ) rethrows {
        for member in value.objectValue?.members ?? [] {
            let path = path + [member.key]
            try body(type, member.key, path)
            let fields = PodSchema.shared.types[type] ?? StorageSchema.types[type] ?? []
            guard let field = fields.first(where: { $0.name == member.key }), let next = name(field.type) else {
                continue
            }
            if let elements = member.value.arrayValue {
                for (n, element) in elements.enumerated() { try visit(element, next, path + ["\(n)"], body) }
            } else {
                try visit(member.value, next, path, body)
            }
        }
    }

    /// The value without the field at `path`.
    static func removing(_ path: ArraySlice<String>, from value: JSONValue) -> JSONValue {
        guard let first = path.first else { return value }
        let rest = path.dropFirst()
        switch value.content {
        case .object(var object):
            object[first] = rest.isEmpty ? nil : object[first].map { removing(rest, from: $0) }
            return .object(object)
        case .array(let elements):
            return .array(elements.enumerated().map { "\($0)" == first ? removing(rest, from: $1) : $1 })
        default: return value
        }
    }

    /// The type of the objects in it.
    static func name(_ type: PodSchema.FieldType) -> String? {
        switch type {
        case .object(let name): name
        case .list(let element), .map(let element): name(element)
        default: nil
        }
    }
}

import JSON

/// Where in an object a field is: `spec.containers[0].resources.limits[cpu]`.
public struct FieldPath: Sendable, Hashable, CustomStringConvertible {
    enum Step: Sendable, Hashable {
        case field(String)
        case index(Int)
        /// A key of a map.
        case key(String)
    }

    private(set) var steps: [Step] = []

    func field(_ name: String) -> FieldPath { appending(.field(name)) }
    subscript(index: Int) -> FieldPath { appending(.index(index)) }
    func key(_ key: String) -> FieldPath { appending(.key(key)) }

    private func appending(_ step: Step) -> FieldPath {
        var path = self
        path.steps.append(step)
        return path
    }

    public var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .field(let name): text += text.isEmpty ? name : ".\(name)"
            case .index(let index): text += "[\(index)]"
            case .key(let key): text += "[\(ManifestIssue.printable(key))]"
            }
        }
        return text
    }

    /// The value in `root`; nil when it is not there or null.
    func value(in root: JSONValue) -> JSONValue? {
        var value = root
        for step in steps {
            switch step {
            case .field(let key), .key(let key):
                guard let next = value[key] else { return nil }
                value = next
            case .index(let index):
                guard let elements = value.arrayValue, elements.indices.contains(index) else { return nil }
                value = elements[index]
            }
        }
        return value.isNull ? nil : value
    }

    /// The place of the value in `root`, or of the nearest thing around it.
    func position(in root: JSONValue) -> SourcePosition {
        var value = root
        for step in steps {
            switch step {
            case .field(let key), .key(let key):
                guard let next = value[key] else { return value.position }
                value = next
            case .index(let index):
                guard let elements = value.arrayValue, elements.indices.contains(index) else { return value.position }
                value = elements[index]
            }
        }
        return value.position
    }
}

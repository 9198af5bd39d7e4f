import JSON

/// Follows paths through values.
enum JSONPathEvaluator {
    /// What `nodes` find, starting from `values`.
    static func values(_ nodes: [JSONPathNode], _ values: [JSONValue]) throws(JSONPathError) -> [JSONValue] {
        var current = values
        for node in nodes { current = try step(node, current) }
        return current
    }

    private static func step(_ node: JSONPathNode, _ values: [JSONValue]) throws(JSONPathError) -> [JSONValue] {
        switch node {
        case .literal(let value): return [value]
        case .field(let name): return name.isEmpty ? values : values.compactMap { $0[name] }
        case .wildcard: return values.flatMap(children)
        case .descendants: return values.flatMap(descendants)
        case .elements(let slice):
            var found: [JSONValue] = []
            for value in values where !value.isNull { found += try elements(slice, value) }
            return found
        case .filter(let filter):
            var found: [JSONValue] = []
            for value in values where !value.isNull {
                guard let list = value.arrayValue else {
                    throw JSONPathError("\(value.kind) cannot be filtered; [?()] is for lists")
                }
                for element in list where try passes(filter, element) { found.append(element) }
            }
            return found
        case .union(let paths):
            var found: [JSONValue] = []
            for path in paths { found += try self.values(path, values) }
            return found
        }
    }

    private static func children(_ value: JSONValue) -> [JSONValue] {
        if let list = value.arrayValue { return list }
        return (value.objectValue?.members ?? []).sorted { $0.key < $1.key }.map(\.value)
    }

    /// The value and all that it holds, from the outside in.
    private static func descendants(_ value: JSONValue) -> [JSONValue] {
        [value] + children(value).flatMap(descendants)
    }

    private static func elements(_ slice: JSONPathNode.Slice, _ value: JSONValue) throws(JSONPathError) -> [JSONValue] {
        guard let list = value.arrayValue else {
            throw JSONPathError("\(value.kind) has no elements; [] is for lists")
        }
        func outside(_ index: Int) -> JSONPathError {
            JSONPathError("array index out of bounds: index \(index), length \(list.count)")
        }
        var start = slice.start ?? 0
        if start < 0 { start += list.count }
        if slice.isIndex {
            guard list.indices.contains(start) else { throw outside(start) }
            return [list[start]]
        }
        var end = slice.end ?? list.count
        if end < 0 { end += list.count }
        if start == end { return [] }
        guard list.indices.contains(start) else { throw outside(start) }
        guard (0...list.count).contains(end) else { throw outside(end - 1) }
        guard start < end else {
            throw JSONPathError("the first index \(start) is greater than the last one \(end)")
        }
        return stride(from: start, to: end, by: slice.step ?? 1).map { list[$0] }
    }

    // MARK: Filters

    private static func passes(_ filter: JSONPathNode.Filter, _ element: JSONValue) throws(JSONPathError) -> Bool {
        let left = try values(filter.left, [element])
        guard let comparison = filter.comparison else { return !left.isEmpty }
        let right = try values(filter.right, [element])
        guard let a = left.first, let b = right.first else { return false }
        guard left.count == 1, right.count == 1 else { throw JSONPathError("can only compare one element at a time") }
        if comparison == .equal || comparison == .notEqual {
            if let (x, y) = numbers(a, b) { return (x == y) == (comparison == .equal) }
            guard sameKind(a, b) else { throw incomparable(a, b) }
            return (a == b) == (comparison == .equal)
        }
        if let (x, y) = numbers(a, b) { return holds(comparison, x, y) }
        guard let x = a.stringValue, let y = b.stringValue else { throw incomparable(a, b) }
        return holds(comparison, x, y)
    }

    private static func holds<T: Comparable>(_ comparison: JSONPathNode.Filter.Operator, _ a: T, _ b: T) -> Bool {
        switch comparison {
        case .less: a < b
        case .greater: a > b
        case .equal: a == b
        case .notEqual: a != b
        case .lessOrEqual: a <= b
        case .greaterOrEqual: a >= b
        }
    }

    private static func numbers(_ a: JSONValue, _ b: JSONValue) -> (Double, Double)? {
        guard let x = number(a), let y = number(b) else { return nil }
        return (x, y)
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value.content {
        case .integer(let number): Double(number)
        case .number(let literal): Double(literal)
        default: nil
        }
    }

    private static func sameKind(_ a: JSONValue, _ b: JSONValue) -> Bool {
        a.stringValue != nil && b.stringValue != nil || a.boolValue != nil && b.boolValue != nil
    }

    private static func incomparable(_ a: JSONValue, _ b: JSONValue) -> JSONPathError {
        JSONPathError("\(a.kind) cannot be compared with \(b.kind)")
    }
}

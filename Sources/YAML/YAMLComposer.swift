import JSON

/// Puts values together from events.
struct YAMLComposer: ~Copyable {
    /// What an anchor stands for, and what another use of it costs.
    private struct Anchored {
        var value: JSONValue
        var values: Int
        var height: Int
    }

    private var reader: YAMLEventReader
    private let limits: YAML.Limits
    private var anchors: [String: Anchored] = [:]
    /// Anchors of collections that are not closed yet.
    private var open: Set<String> = []
    private var count = 0

    init(_ reader: consuming YAMLEventReader, _ limits: YAML.Limits) {
        self.reader = reader
        self.limits = limits
    }

    mutating func documents() throws(YAMLError) -> [JSONValue] {
        var documents: [JSONValue] = []
        while true {
            let (event, _) = try reader.next()
            switch event {
            case .streamEnd: return documents
            case .documentStart:
                anchors = [:]
                let (value, _) = try node(try reader.next(), depth: 0)
                if !value.isNull { documents.append(value) }
            default: continue
            }
        }
    }

    /// The value that starts with `start`, and how many levels it has below itself.
    private mutating func node(_ start: (event: YAMLEvent, position: SourcePosition), depth: Int) throws(YAMLError)
        -> (JSONValue, height: Int)
    {
        let position = start.position
        guard depth <= limits.depth else {
            throw YAMLError("nested deeper than \(limits.depth) levels", at: position)
        }
        let before = count
        try add(1, at: position)
        switch start.event {
        case .alias(let name):
            guard let anchored = anchors[name] else {
                let reason = open.contains(name) ? "the value of anchor '\(name)' contains itself" : nil
                throw YAMLError(reason ?? "unknown anchor '\(name)'", at: position)
            }
            guard depth + anchored.height <= limits.depth else {
                throw YAMLError("nested deeper than \(limits.depth) levels by alias '\(name)'", at: position)
            }
            try add(anchored.values - 1, at: position)
            return (anchored.value, anchored.height)
        case .scalar(let text, let isPlain, let tag, let anchor):
            let value = try YAMLScalar.value(text, isPlain: isPlain, tag: tag, at: position)
            remember(anchor, value, since: before, height: 0)
            return (value, 0)
        case .sequenceStart(let tag, let anchor):
            try check(tag: tag, is: "seq", at: position)
            if let anchor { open.insert(anchor) }
            let (elements, height) = try sequence(depth: depth)
            let value = JSONValue(.array(elements), at: position)
            remember(anchor, value, since: before, height: height)
            return (value, height)
        case .mappingStart(let tag, let anchor):
            try check(tag: tag, is: "map", at: position)
            if let anchor { open.insert(anchor) }
            let (object, height) = try mapping(depth: depth)
            let value = JSONValue(.object(object), at: position)
            remember(anchor, value, since: before, height: height)
            return (value, height)
        default: throw YAMLError("expected a value", at: position)
        }
    }

    private mutating func add(_ values: Int, at position: SourcePosition) throws(YAMLError) {
        count += values
        if count > limits.values {
            throw YAMLError("more than \(limits.values) values, with aliases expanded", at: position)
        }
    }

    private mutating func remember(_ anchor: String?, _ value: JSONValue, since before: Int, height: Int) {
        guard let anchor else { return }
        open.remove(anchor)
        anchors[anchor] = Anchored(value: value, values: count - before, height: height)
    }

    private func check(tag: String?, is wanted: String, at position: SourcePosition) throws(YAMLError) {
        guard let tag, tag != "!", tag != YAMLScalar.prefix + wanted else { return }
        throw YAMLError("unsupported tag \(YAMLScalar.show(tag))", at: position)
    }

    private mutating func sequence(depth: Int) throws(YAMLError) -> ([JSONValue], Int) {
        var elements: [JSONValue] = []
        var height = 0
        while true {
            let next = try reader.next()
            if case .sequenceEnd = next.event { return (elements, height) }
            let (element, below) = try node(next, depth: depth + 1)
            elements.append(element)
            height = max(height, below + 1)
        }
    }

    private mutating func mapping(depth: Int) throws(YAMLError) -> (JSONObject, Int) {
        var object = JSONObject()
        var seen: Set<String> = []
        var merges: [JSONObject] = []
        var height = 0
        while true {
            let next = try reader.next()
            if case .mappingEnd = next.event { break }
            let isMerge = Self.isMergeKey(next.event)
            let key = isMerge ? "<<" : try key(next, depth: depth)
            guard seen.insert(key).inserted else {
                throw YAMLError("duplicate key \"\(key)\"", at: next.position)
            }
            let (value, below) = try node(try reader.next(), depth: depth + 1)
            height = max(height, below + 1)
            if isMerge {
                try merges.append(contentsOf: Self.merged(value))
            } else {
                object.append(key, at: next.position, value)
            }
        }
        // A key of the mapping itself goes before merged ones, an earlier merge before a later.
        for merge in merges {
            for member in merge.members where seen.insert(member.key).inserted {
                object.append(member.key, at: member.keyPosition, member.value)
            }
        }
        return (object, height)
    }

    private static func isMergeKey(_ event: YAMLEvent) -> Bool {
        guard case .scalar("<<", let isPlain, let tag, _) = event else { return false }
        return tag == nil ? isPlain : tag == YAMLScalar.prefix + "merge"
    }

    private static func merged(_ value: JSONValue) throws(YAMLError) -> [JSONObject] {
        if let object = value.objectValue { return [object] }
        guard let elements = value.arrayValue else {
            throw YAMLError("'<<' needs a mapping or a list of mappings, found \(value.kind)", at: value.position)
        }
        var objects: [JSONObject] = []
        for element in elements {
            guard let object = element.objectValue else {
                throw YAMLError("'<<' needs mappings, found \(element.kind)", at: element.position)
            }
            objects.append(object)
        }
        return objects
    }

    /// Keys are strings in JSON: numbers and booleans become what JSON writes for them.
    private mutating func key(_ start: (event: YAMLEvent, position: SourcePosition), depth: Int) throws(YAMLError)
        -> String
    {
        let (value, _) = try node(start, depth: depth + 1)
        switch value.content {
        case .string(let text): return text
        case .integer(let number): return String(number)
        case .number(let literal): return literal
        case .bool(let flag): return flag ? "true" : "false"
        case .null, .array, .object: throw YAMLError("a key cannot be \(value.kind)", at: start.position)
        }
    }
}

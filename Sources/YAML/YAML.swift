import JSON

/// YAML read as Kubernetes' tools read it: YAML 1.1 scalars, into the JSON data model, with positions.
public enum YAML {
    /// What a text may at most be. A hostile text costs no more than its size.
    public struct Limits: Sendable {
        public var bytes: Int
        public var depth: Int
        /// Values of all documents together, with aliases expanded.
        public var values: Int

        /// The default size is what an API server takes.
        public init(bytes: Int = 3 << 20, depth: Int = 100, values: Int = 200_000) {
            self.bytes = bytes
            self.depth = depth
            self.values = values
        }
    }

    /// The documents of `text`, those without content left out. Duplicate keys are refused.
    ///
    /// - Throws: `YAMLError` with the place.
    public static func documents(_ text: some Collection<UInt8>, limits: Limits = Limits()) throws(YAMLError)
        -> [JSONValue]
    {
        guard text.count <= limits.bytes else {
            throw YAMLError("the text has \(text.count) bytes, more than the \(limits.bytes) allowed", at: .none)
        }
        // libyaml compares every directive of a document with every other.
        let bytes = Array(text)
        guard directives(in: bytes) <= 100 else { throw YAMLError("more than 100 lines start with '%'", at: .none) }
        guard let reader = YAMLEventReader(bytes) else { throw YAMLError("out of memory", at: .none) }
        var composer = YAMLComposer(reader, limits)
        return try composer.documents()
    }

    private static func directives(in text: [UInt8]) -> Int {
        var count = 0
        var previous = UInt8(ascii: "\n")
        for c in text {
            if c == UInt8(ascii: "%"), previous == UInt8(ascii: "\n") || previous == UInt8(ascii: "\r") { count += 1 }
            previous = c
        }
        return count
    }
}

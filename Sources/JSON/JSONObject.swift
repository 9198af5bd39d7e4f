/// The members of an object in their order. Looking a key up is linear: objects of manifests and specs are small.
public struct JSONObject: Sendable, Hashable {
    public struct Member: Sendable, Hashable {
        public var key: String
        public var keyPosition: SourcePosition
        public var value: JSONValue

        public init(key: String, at keyPosition: SourcePosition = .none, value: JSONValue) {
            self.key = key
            self.keyPosition = keyPosition
            self.value = value
        }

        public static func == (a: Member, b: Member) -> Bool { a.key == b.key && a.value == b.value }
        public func hash(into hasher: inout Hasher) {
            hasher.combine(key)
            hasher.combine(value)
        }
    }

    public private(set) var members: [Member]

    public init(_ members: [Member] = []) { self.members = members }

    public var isEmpty: Bool { members.isEmpty }
    public var count: Int { members.count }

    /// Gets a member; sets it in place or appends it; with nil, removes it.
    public subscript(key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let i?, let value?): members[i].value = value
            case (let i?, nil): members.remove(at: i)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Appends a member that is known not to be there.
    public mutating func append(_ key: String, at position: SourcePosition = .none, _ value: JSONValue) {
        members.append(Member(key: key, at: position, value: value))
    }

    /// Appends a member unless `value` is nil: how optional fields are written.
    public mutating func append(_ key: String, ifPresent value: JSONValue?) {
        if let value { append(key, value) }
    }
}

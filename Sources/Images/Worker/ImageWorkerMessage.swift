import JSON

/// What the image worker process tells the agent: one JSON object a line on its standard output.
public enum ImageWorkerMessage: Hashable, Sendable {
    /// An image that was loaded; `ImageStore.resolve(id)` finds it.
    public struct Loaded: Hashable, Sendable {
        public var id: String
        public var names: [String]

        public init(id: String, names: [String]) {
            self.id = id
            self.names = names
        }

        var json: JSONValue { ["id": .string(id), "names": .strings(names)] }

        init(_ value: JSONValue) throws(JSONError) {
            self.init(id: try value.requiredString("id"), names: try value.optionalStrings("names") ?? [])
        }
    }

    case progress(ImportProgress)
    case pulling(PullProgress)
    case loaded([Loaded])
    case removed(ImageStore.Removal)
    case swept
    case verified([ImageVerification])
    case saved
    case failed(ImageError)
    case pulled(Loaded)
    case notPulled(PullError)

    /// Whether it is the worker's last word.
    public var isFinal: Bool {
        switch self {
        case .progress, .pulling: false
        default: true
        }
    }

    public var json: JSONValue {
        switch self {
        case .progress(let progress): ["progress": progress.json]
        case .pulling(let progress): ["pulling": progress.json]
        case .loaded(let images): ["loaded": .array(images.map(\.json))]
        case .pulled(let image): ["pulled": image.json]
        case .notPulled(let error): ["pullError": error.json]
        case .removed(let removal):
            ["removed": ["untagged": .strings(removal.untagged), "deleted": .strings(removal.deleted)]]
        case .swept: ["swept": true]
        case .verified(let images): ["verified": .array(images.map(\.json))]
        case .saved: ["saved": true]
        case .failed(let error): ["error": error.json]
        }
    }

    /// Reads a line.
    ///
    /// - Throws: `JSONError` for what no worker of this release writes.
    public init(line: some Collection<UInt8>) throws(JSONError) {
        let value = try JSONParser.parse(line, limits: .init(bytes: 4 << 20, depth: 16))
        if let member = value["progress"] {
            self = .progress(try ImportProgress(member))
        } else if let list = value["loaded"]?.arrayValue {
            var images: [Loaded] = []
            for member in list { images.append(try Loaded(member)) }
            self = .loaded(images)
        } else if let member = value["removed"] {
            var removal = ImageStore.Removal()
            removal.untagged = try member.optionalStrings("untagged") ?? []
            removal.deleted = try member.optionalStrings("deleted") ?? []
            self = .removed(removal)
        } else if value["swept"] != nil {
            self = .swept
        } else if let list = value["verified"]?.arrayValue {
            var images: [ImageVerification] = []
            for member in list { images.append(try ImageVerification(member)) }
            self = .verified(images)
        } else if value["saved"] != nil {
            self = .saved
        } else if let member = value["pulling"] {
            self = .pulling(try PullProgress(member))
        } else if let member = value["pulled"] {
            self = .pulled(try Loaded(member))
        } else if let member = value["pullError"] {
            self = .notPulled(try PullError(member))
        } else if let member = value["error"] {
            self = .failed(try ImageError(member))
        } else {
            throw JSONError("unknown message of the image worker", at: value.position)
        }
    }
}

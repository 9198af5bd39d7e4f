import Base
import JSON

/// When images were last used, kept over restarts: written down when an image begins to be used or is used no more, and
/// not while it is.
struct ImageUses {
    private static let schema: Int64 = 1

    private let path: String
    private var times: [String: Timestamp] = [:]
    private var used: Set<String> = []

    /// A file that cannot be read is taken for none: images then count from when they came.
    init(path: String) {
        self.path = path
        guard let bytes = try? Files.read(path), let value = try? JSONParser.parse(bytes),
            let schema = value["schema"]?.integerValue, schema <= Self.schema
        else { return }
        for member in value["images"]?.objectValue?.members ?? [] {
            if let time = member.value.stringValue.flatMap({ Timestamp(rfc3339: $0) }) { times[member.key] = time }
        }
    }

    func lastUsed(_ id: String) -> Timestamp? { times[id] }

    /// Says which images are used now.
    ///
    /// - Parameter all: the images of the store; what is known of others is forgotten.
    /// - Throws: `SystemError` when it cannot be written down; it is remembered all the same.
    mutating func update(used now: Set<String>, all: Set<String>, at time: Timestamp) throws(SystemError) {
        let known = times
        for id in now.union(used) { times[id] = time }
        let began = now.subtracting(used).contains { known[$0] == nil }
        let ended = !used.subtracting(now).isEmpty
        used = now
        times = times.filter { all.contains($0.key) }
        guard began || ended || known.keys.contains(where: { !all.contains($0) }) else { return }
        let members = times.sorted { $0.key < $1.key }
            .map { JSONObject.Member(key: $0.key, value: .string($0.value.rfc3339)) }
        let document: JSONValue = ["schema": .integer(Self.schema), "images": .object(JSONObject(members))]
        // Lost in a power cut, an image is only a little older than it seems.
        try Files.replace(path, with: JSONWriter().bytes(document), durable: false)
    }
}

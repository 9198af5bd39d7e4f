import Base
import CLinux
import JSON
import Kube
import PodSources

/// The last good answer of a URL as it is kept on disk, so that a new agent goes on with it when the server is away. A
/// line of JSON, then the body as it came.
struct SavedAnswer: Hashable, Sendable {
    static let schema: Int64 = 1

    var url: String
    var entityTag: String?
    var body: [UInt8]
    /// It is all that the URL answered: without Secrets, it must be asked for anew.
    var isWhole = true

    var bytes: [UInt8] {
        var head = JSONObject()
        head.append("schema", .integer(Self.schema))
        head.append("url", .string(url))
        head.append("etag", ifPresent: entityTag.map { .string($0) })
        if !isWhole { head.append("whole", false) }
        return JSONWriter().bytes(.object(head)) + [0x0A] + body
    }

    init(url: String, entityTag: String?, body: [UInt8]) {
        self.url = url
        self.entityTag = entityTag
        self.body = body
    }

    /// - Throws: `JSONError` when it is none, or one of a newer version.
    init(_ bytes: [UInt8]) throws(JSONError) {
        let end = bytes.firstIndex(of: 0x0A) ?? bytes.endIndex
        let head = try JSONParser.parse(bytes[..<end])
        let schema = try head.requiredInteger("schema")
        guard schema <= Self.schema, end < bytes.endIndex else {
            throw JSONError("schema \(schema) is newer than \(Self.schema), or it is cut off", at: .none)
        }
        url = try head.requiredString("url")
        entityTag = try head.optionalString("etag")
        isWhole = head["whole"]?.boolValue ?? true
        body = Array(bytes[(end + 1)...])
    }

    /// What may be kept on disk: Secrets may not.
    func withoutSecrets(_ contents: ManifestContents) -> SavedAnswer {
        let objects = contents.objects.filter { $0.key.kind != .secret }
        if objects.count == contents.objects.count { return self }
        let items = contents.pods.map(\.value) + objects.map(\.value)
        var kept = self
        kept.entityTag = nil
        kept.isWhole = false
        kept.body = JSONWriter().bytes(["apiVersion": "v1", "kind": "List", "items": .array(items)])
        return kept
    }

    /// What is kept at `path`; nil without a file that can be used.
    static func read(_ path: String) -> SavedAnswer? {
        guard let bytes = try? Files.read(path, limit: 8 << 20) else { return nil }
        return try? SavedAnswer(bytes)
    }
}

import Base
import JSON

/// An object that pods use as its manifest has it, with defaults filled in.
public struct DecodedObject: Sendable, Hashable {
    public var object: DataObject
    /// The fields of the manifest that do nothing here, with the reason.
    public var withoutEffect: [ManifestIssue]
}

/// Makes ConfigMaps, Secrets, PersistentVolumes and claims of values. No message has a value of a Secret in it.
public enum DataObjectDecoder {
    /// What all values of one object may have together, in bytes.
    static let sizeLimit = 1 << 20

    /// What a value says that it is; nil for everything but these.
    public static func kind(_ value: JSONValue) -> DataObject.Kind? {
        value.text("kind").flatMap { DataObject.Kind(rawValue: $0) }
    }

    /// An object from a manifest: every field is known and of its type, and the whole is valid as the API server sees
    /// it.
    ///
    /// - Throws: `PodDecodingError` with all that is wrong.
    public static func decode(
        _ value: JSONValue, as kind: DataObject.Kind
    ) throws(PodDecodingError) -> DecodedObject {
        let version = value.text("apiVersion")
        guard version == "v1" else {
            let path = FieldPath().field("apiVersion")
            let message =
                version.map { "\(ManifestIssue.quoted($0)) has no \(kind.rawValue); expected \"v1\"" }
                ?? "missing; a \(kind.rawValue) has \"v1\""
            throw PodDecodingError([ManifestIssue(message, at: path.position(in: value), path: path)])
        }
        var walker = SchemaWalker(.manifest)
        walker.object(value, kind.rawValue, FieldPath())
        guard walker.misshapen == 0 else { throw PodDecoder.error(walker.issues, omitted: walker.omitted) }
        let object: DataObject
        var issues = walker.issues
        switch kind {
        case .configMap, .secret:
            var reader = DataObjectReader(value, kind)
            object = reader.read()
            issues += reader.issues
        case .volume, .claim:
            var reader = StorageReader(value, kind)
            object = reader.read()
            issues += reader.issues
        }
        if !issues.isEmpty { throw PodDecoder.error(issues, omitted: walker.omitted) }
        return DecodedObject(object: object, withoutEffect: walker.withoutEffect)
    }
}

import JSON
import Kube

/// What a file or an answer names.
public struct ManifestContents: Sendable {
    public var pods: [ManifestPod]
    public var objects: [ManifestObject]

    public init(pods: [ManifestPod] = [], objects: [ManifestObject] = []) {
        self.pods = pods
        self.objects = objects
    }
}

/// A ConfigMap or Secret as a manifest has it.
public struct ManifestObject: Sendable {
    /// The manifest's own value, with places.
    public var value: JSONValue
    /// Decoded, with defaults.
    public var object: DataObject
    /// Fields that have no effect on this node.
    public var ineffective: [String]

    public init(value: JSONValue, object: DataObject, ineffective: [String] = []) {
        self.value = value
        self.object = object
        self.ineffective = ineffective
    }

    public var key: DataObject.Key { object.key }
}

/// A ConfigMap or Secret that holds, and the place that it is taken from.
public struct WantedObject: Sendable {
    public var manifest: ManifestObject
    public var path: String

    public init(manifest: ManifestObject, path: String) {
        self.manifest = manifest
        self.path = path
    }
}

/// All that is wanted, and everything that is wrong.
public struct Wanted: Sendable {
    public var pods: [WantedPod]
    public var objects: [WantedObject]
    public var problems: [ManifestProblem]

    public init(pods: [WantedPod] = [], objects: [WantedObject] = [], problems: [ManifestProblem] = []) {
        self.pods = pods
        self.objects = objects
        self.problems = problems
    }
}

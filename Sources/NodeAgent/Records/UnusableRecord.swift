import Base
import JSON
import PodSources

/// A pod instance on disk whose record this version cannot use.
public struct UnusableRecord: Hashable, Sendable {
    public var uid: String
    /// The record's file.
    public var path: String
    /// The pod, as far as it can be told.
    public var key: PodKey?
    /// The record was written by a newer version: that it says something is certain, only not what.
    public var isNewer: Bool
    /// Its first write never ended: nothing of the pod can have run.
    public var isCutOff: Bool
    /// What is wrong with it.
    public var reason: String

    public init(uid: String, path: String, key: PodKey?, isNewer: Bool, isCutOff: Bool = false, reason: String) {
        self.uid = uid
        self.path = path
        self.key = key
        self.isNewer = isNewer
        self.isCutOff = isCutOff
        self.reason = reason
    }

    /// What people are told of an instance that is left alone.
    public var problem: ManifestProblem {
        ManifestProblem(
            path: path,
            message:
                "\(key.map { "pod \($0)" } ?? "a pod") is left as it is, and its manifest is not started again: \(reason); "
                + "start the swiftletd that wrote this file, or end the pod by removing the file and starting "
                + "swiftletd again")
    }

    /// The pod that the manifest in a record names, without a look at anything else of it.
    static func key(ofManifest manifest: JSONValue?) -> PodKey? {
        guard let metadata = manifest?["metadata"], let name = metadata["name"]?.stringValue else { return nil }
        return PodKey(namespace: metadata["namespace"]?.stringValue ?? "default", name: name)
    }
}

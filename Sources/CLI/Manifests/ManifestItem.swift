import JSON
import Kube
import PodSources

/// What commands change: a pod of a manifest, or an object that pods use.
struct ManifestItem {
    enum Kind: Hashable, Comparable {
        case pod
        case object(DataObject.Kind)

        /// As messages and `-o name` have it.
        var word: String {
            switch self {
            case .pod: "pod"
            case .object(let kind): kind.word
            }
        }

        /// What has none has no namespace in its key.
        var isNamespaced: Bool { self != .object(.volume) }

        /// Nil for a word that is none.
        init?(word: String) {
            switch word {
            case "pod", "pods", "po": self = .pod
            case "configmap", "configmaps", "cm": self = .object(.configMap)
            case "secret", "secrets": self = .object(.secret)
            case "persistentvolume", "persistentvolumes", "pv": self = .object(.volume)
            case "persistentvolumeclaim", "persistentvolumeclaims", "pvc": self = .object(.claim)
            default: return nil
            }
        }
    }

    struct Key: Hashable, Comparable, CustomStringConvertible {
        var kind: Kind
        var key: PodKey

        static func < (a: Key, b: Key) -> Bool { (a.kind, a.key) < (b.kind, b.key) }
        var description: String { kind.isNamespaced ? "\(kind.word) \(key)" : "\(kind.word) \(key.name)" }
        /// `configmap/name`.
        var short: String { "\(kind.word)/\(key.name)" }
    }

    var key: Key
    var value: JSONValue
    var ineffective: [String]
    var labels: [String: String]
    /// Set for one of the two.
    var pod: ManifestPod?
    var object: DataObject?

    init(_ pod: ManifestPod) {
        key = Key(kind: .pod, key: pod.key)
        (value, ineffective, labels) = (pod.value, pod.ineffective, pod.pod.metadata.labels)
        self.pod = pod
    }

    init(_ manifest: ManifestObject) {
        let metadata = manifest.object.metadata
        key = Key(
            kind: .object(manifest.key.kind), key: PodKey(namespace: metadata.namespace, name: metadata.name))
        (value, ineffective, labels) = (manifest.value, manifest.ineffective, metadata.labels)
        object = manifest.object
    }

    /// The same, read anew of another value.
    func reading(_ value: JSONValue) throws(PodDecodingError) -> ManifestItem {
        guard let object else { return ManifestItem(try ManifestReader.read(value)) }
        return ManifestItem(try ManifestReader.read(value, as: object.kind))
    }

    /// For the eyes of people: without what a Secret holds.
    var shown: JSONValue { object?.kind == .secret ? object?.shown ?? .null : value }
}

extension ManifestContents {
    /// All of them: what pods need first.
    var items: [ManifestItem] { objects.map { ManifestItem($0) } + pods.map { ManifestItem($0) } }
}

import JSON

/// core/v1.ImageVolumeSource: the files of an image.
public struct ImageVolumeSource: KubeValue {
    public var reference: String
    public var pullPolicy: PullPolicy

    /// - Parameter pullPolicy: nil for Kubernetes' default for the tag.
    public init(reference: String, pullPolicy: PullPolicy? = nil) {
        self.reference = reference
        self.pullPolicy = pullPolicy ?? .ifOpen(reference)
    }

    public init(_ value: JSONValue) {
        self.init(reference: value.text("reference") ?? "", pullPolicy: value.choice("pullPolicy"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("pullPolicy", pullPolicy)
        object.put("reference", reference)
        return .object(object)
    }
}

import JSON

/// core/v1.Pod: what should run, and what does.
public struct Pod: KubeValue {
    public var metadata: ObjectMeta
    public var spec: PodSpec
    public var status: PodStatus

    public init(metadata: ObjectMeta, spec: PodSpec, status: PodStatus = PodStatus()) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    /// Reads a value whose types were checked (`PodDecoder`).
    public init(_ value: JSONValue) {
        metadata = value.value("metadata") ?? ObjectMeta()
        spec = value.value("spec") ?? PodSpec()
        status = value.value("status") ?? PodStatus()
    }

    /// As `kubectl get -o json` prints it, status included.
    public var json: JSONValue {
        .object(
            JSONObject([
                .init(key: "apiVersion", value: "v1"), .init(key: "kind", value: "Pod"),
                .init(key: "metadata", value: metadata.json), .init(key: "spec", value: spec.json),
                .init(key: "status", value: status.json),
            ]))
    }

    /// `namespace/name`, as logs and messages name a pod.
    public var fullName: String { "\(metadata.namespace)/\(metadata.name)" }
}

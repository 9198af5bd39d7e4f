import JSON

/// An image that is pulled for a container of a pod.
public struct PodPull: Sendable, Hashable {
    public var namespace: String
    public var pod: String
    public var container: String
    /// As the manifest names it.
    public var image: String
    public var progress: ImageProgress
    /// Since it was asked for, other pulls that came before it included.
    public var seconds: Int64

    public init(
        namespace: String, pod: String, container: String, image: String, progress: ImageProgress, seconds: Int64
    ) {
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.image = image
        self.progress = progress
        self.seconds = seconds
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("namespace", .string(namespace))
        object.append("pod", .string(pod))
        object.append("container", .string(container))
        object.append("image", .string(image))
        for member in progress.json.objectValue?.members ?? [] { object.append(member.key, member.value) }
        object.append("seconds", .integer(seconds))
        return .object(object)
    }
}

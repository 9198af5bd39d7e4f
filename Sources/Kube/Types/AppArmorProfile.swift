import JSON

/// core/v1.AppArmorProfile.
public struct AppArmorProfile: KubeValue {
    public enum ProfileType: String, Sendable, Hashable, CaseIterable {
        case runtimeDefault = "RuntimeDefault"
        case unconfined = "Unconfined"
        /// A profile that is loaded in the node's kernel.
        case localhost = "Localhost"
    }
    public var type: ProfileType
    /// With `localhost`: the profile's name in the kernel.
    public var localhostProfile: String?

    /// With a container's name behind it: the annotation by which a pod says a container's profile in the way from
    /// before the field.
    public static let annotationPrefix = "container.apparmor.security.beta.kubernetes.io/"
    static let localhostPrefix = "localhost/"

    public init(type: ProfileType, localhostProfile: String? = nil) {
        self.type = type
        self.localhostProfile = localhostProfile
    }

    public init(_ value: JSONValue) {
        self.init(type: value.choice("type") ?? .runtimeDefault, localhostProfile: value.text("localhostProfile"))
    }

    /// What an annotation's value means; nil when it means nothing.
    init?(annotation value: String) {
        switch value {
        case "runtime/default": self.init(type: .runtimeDefault)
        case "unconfined": self.init(type: .unconfined)
        case _ where value.hasPrefix(Self.localhostPrefix) && value != Self.localhostPrefix:
            self.init(type: .localhost, localhostProfile: String(value.dropFirst(Self.localhostPrefix.count)))
        default: return nil
        }
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("localhostProfile", localhostProfile)
        object.append("type", .string(type.rawValue))
        return .object(object)
    }
}

extension PodSpec {
    /// Whether the pod can only run where AppArmor is on, as the kubelet sees it.
    public var needsAppArmor: Bool {
        let profiles =
            [securityContext.appArmorProfile]
            + (initContainers + containers).map { $0.securityContext?.appArmorProfile }
        return profiles.contains { $0 != nil && $0?.type != .unconfined }
    }
}

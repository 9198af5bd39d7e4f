import JSON

/// AppArmor profiles, by field and by the annotations from before it.
extension PodValidator {
    /// The type has no default.
    mutating func appArmor(_ profile: AppArmorProfile?, _ path: FieldPath) {
        // What an annotation says has its place there.
        guard let profile, let written = value(at: path) else { return }
        guard written.text("type") != nil else {
            return required(path.field("type"), "type is required when appArmorProfile is set")
        }
        let place = path.field("localhostProfile")
        guard profile.type == .localhost else {
            if let name = profile.localhostProfile {
                invalid(name, "can only be set when AppArmor type is Localhost", place)
            }
            return
        }
        guard let name = profile.localhostProfile else {
            return required(place, "must be set when AppArmor type is Localhost")
        }
        if Self.isPadded(name) { invalid(name, "must not be padded with whitespace", place) }
        if name.utf8.count > 4095 { add("Too long: may not be more than 4095 bytes", place) }
    }

    private static func isPadded(_ name: String) -> Bool {
        name.first?.isWhitespace == true || name.last?.isWhitespace == true
    }

    /// The annotations: each of a container that is there, and not against its field.
    mutating func appArmorAnnotations(_ pod: Pod) {
        let prefix = AppArmorProfile.annotationPrefix
        let containers = pod.spec.initContainers + pod.spec.containers
        for (key, text) in pod.metadata.annotations.sorted(by: { $0.key < $1.key }) where key.hasPrefix(prefix) {
            let path = FieldPath().field("metadata").field("annotations").key(key)
            let name = String(key.dropFirst(prefix.count))
            if !containers.contains(where: { $0.name == name }) { invalid(name, "container not found", path) }
            let told = AppArmorProfile(annotation: text)
            if told == nil, !text.isEmpty {
                invalid(text, "invalid AppArmor profile name: \(ManifestIssue.quoted(text))", path)
            }
            if let profile = told?.localhostProfile, Self.isPadded(profile) {
                invalid(text, "must not be padded with whitespace", path)
            }
        }
        for (list, containers) in [
            ("initContainers", pod.spec.initContainers), ("containers", pod.spec.containers),
        ] {
            for (n, container) in containers.enumerated() {
                guard let text = pod.metadata.annotations[prefix + container.name],
                    let profile = container.securityContext?.appArmorProfile
                        ?? pod.spec.securityContext.appArmorProfile
                else { continue }
                let told = AppArmorProfile(annotation: text)
                let path = FieldPath().field("spec").field(list)[n].field("securityContext").field("appArmorProfile")
                if told?.type != profile.type {
                    forbidden("apparmor type in annotation and field must match", path.field("type"))
                } else if told != profile {
                    forbidden("apparmor profile in annotation and field must match", path.field("localhostProfile"))
                }
            }
        }
    }
}

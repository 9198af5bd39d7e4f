import JSON

/// What a container has mounted of the pod's volumes, or reads of them.
extension PodValidator {
    mutating func mounts(_ container: Container, _ path: FieldPath, volumes: Set<String>) {
        let isPrivileged = container.securityContext?.privileged == true
        var paths: Set<String> = []
        for (n, mount) in container.volumeMounts.enumerated() {
            let path = path[n]
            if mount.name.isEmpty {
                required(path.field("name"))
            } else if !volumes.contains(mount.name) {
                notFound(mount.name, path.field("name"))
            }
            let mountPath = path.field("mountPath")
            if mount.mountPath.isEmpty {
                required(mountPath)
                continue
            }
            absolute(mount.mountPath, mountPath)
            if mount.mountPath.utf8.contains(UInt8(ascii: ":")) {
                invalid(mount.mountPath, "must not contain ':'", mountPath)
            }
            let parts = mount.mountPath.split(separator: "/").filter { $0 != "." }
            if parts.isEmpty {
                invalid(mount.mountPath, "the root of the image cannot be mounted over", mountPath)
            } else if parts.contains("..") {
                invalid(mount.mountPath, "must not contain '..'", mountPath)
            } else if !paths.insert(parts.joined(separator: "/")).inserted {
                invalid(mount.mountPath, "must be unique", mountPath)
            }
            part(mount.subPath, path.field("subPath"))
            if !mount.subPathExpr.isEmpty, !mount.subPath.isEmpty {
                let detail = "subPathExpr and subPath are mutually exclusive"
                invalid(mount.subPathExpr, detail, path.field("subPathExpr"))
            }
            part(mount.subPathExpr, path.field("subPathExpr"))
            if mount.mountPropagation == .bidirectional, !isPrivileged {
                forbidden(
                    "Bidirectional mount propagation is available only to privileged containers",
                    path.field("mountPropagation"))
            }
            recursion(mount, path.field("recursiveReadOnly"))
        }
    }

    /// The part of a volume that is mounted.
    private mutating func part(_ text: String, _ path: FieldPath) {
        if text.hasPrefix("/") {
            invalid(text, "must be a relative path", path)
        } else if text.split(separator: "/").contains("..") {
            invalid(text, "must not contain '..'", path)
        }
    }

    private mutating func recursion(_ mount: VolumeMount, _ path: FieldPath) {
        guard let mode = mount.recursiveReadOnly, mode != .disabled else { return }
        if !mount.readOnly { forbidden("may only be specified when readOnly is true", path) }
        if let propagation = mount.mountPropagation, propagation != .none {
            forbidden("may only be specified when mountPropagation is None or not specified", path)
        }
    }

    /// A variable of a file that the pod's containers write.
    mutating func fileKey(_ selector: FileKeySelector, _ path: FieldPath, volumes: [Volume]) {
        name(selector.key, path.field("key"), Names.environment)
        if selector.path.isEmpty {
            required(path.field("path"))
        } else if selector.path.hasPrefix("..") {
            invalid(selector.path, "must not start with '..'", path.field("path"))
        } else {
            part(selector.path, path.field("path"))
        }
        let place = path.field("volumeName")
        if selector.volumeName.isEmpty { return required(place) }
        guard let volume = volumes.first(where: { $0.name == selector.volumeName }) else {
            return notFound(selector.volumeName, place)
        }
        if volume.emptyDir == nil { invalid(selector.volumeName, "referenced volume must be of type emptyDir", place) }
    }
}

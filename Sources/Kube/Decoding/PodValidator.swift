import JSON

/// Checks what the schema cannot say, as the API server does and in its words.
struct PodValidator: IssueCollector {
    let root: JSONValue
    var issues: [ManifestIssue] = []
    /// Volumes that are left out later.
    let accessTokens: Set<String>

    init(_ root: JSONValue) {
        self.root = root
        accessTokens = PodDefaults.accessTokens(of: root)
    }

    static func issues(of pod: Pod, from manifest: JSONValue) -> [ManifestIssue] {
        var validator = PodValidator(manifest)
        validator.metadata(pod.metadata, FieldPath().field("metadata"))
        validator.spec(pod.spec, FieldPath().field("spec"))
        validator.appArmorAnnotations(pod)
        validator.replacement(pod, FieldPath())
        validator.networkAnnotations(pod)
        return validator.issues
    }

    // MARK: - Kinds of values

    mutating func inRange(_ value: Int64?, _ range: ClosedRange<Int64>, _ path: FieldPath) {
        guard let value, !range.contains(value) else { return }
        invalid(value, "must be between \(range.lowerBound) and \(range.upperBound), inclusive", path)
    }

    mutating func absolute(_ text: String?, _ path: FieldPath) {
        if let text, !text.utf8.starts(with: "/".utf8) { invalid(text, "must be an absolute path", path) }
    }

    // MARK: - The pod

    private mutating func metadata(_ metadata: ObjectMeta, _ path: FieldPath) {
        name(metadata.name, path.field("name"), Names.subdomain)
        name(metadata.namespace, path.field("namespace"), Names.label)
        if let wrong = Names.uid(metadata.uid) { invalid(metadata.uid, wrong, path.field("uid")) }
        // The folder of the pod's logs is named after all three.
        let folder = metadata.namespace.utf8.count + metadata.name.utf8.count + max(metadata.uid.utf8.count, 36) + 2
        if folder > 255 {
            let detail = "namespace, name and UID together name a folder, which takes 255 bytes, not \(folder)"
            invalid(metadata.name, detail, path.field("name"))
        }
        labels(metadata.labels, path.field("labels"))
        var size = 0
        for (key, value) in metadata.annotations.sorted(by: { $0.key < $1.key }) {
            // Only the case of the prefix is left free.
            if let wrong = Names.qualifiedName(key.lowercased()) {
                invalid(key, wrong, path.field("annotations").key(key))
            }
            size += key.utf8.count + value.utf8.count
        }
        if size > 256 << 10 { add("Too long: may not be more than 262144 bytes", path.field("annotations")) }
    }

    private mutating func spec(_ spec: PodSpec, _ path: FieldPath) {
        inRange(
            spec.terminationGracePeriodSeconds, 0...Int64(Int32.max), path.field("terminationGracePeriodSeconds"))
        inRange(spec.activeDeadlineSeconds, 1...Int64(Int32.max), path.field("activeDeadlineSeconds"))
        names(spec, path)
        if spec.shareProcessNamespace, spec.hostPID {
            let detail = "ShareProcessNamespace and HostPID cannot both be enabled"
            add("Invalid value: true: \(detail)", path.field("shareProcessNamespace"))
        }
        security(spec.securityContext, path.field("securityContext"))
        sysctls(spec, path.field("securityContext").field("sysctls"))
        for (n, alias) in spec.hostAliases.enumerated() {
            let path = path.field("hostAliases")[n]
            name(alias.ip, path.field("ip"), Names.address)
            for (n, hostname) in alias.hostnames.enumerated() {
                name(hostname, path.field("hostnames")[n], Names.subdomain)
            }
        }
        for (n, secret) in spec.imagePullSecrets.enumerated() {
            name(secret, path.field("imagePullSecrets")[n].field("name"), Names.subdomain)
        }
        for (n, type) in spec.readinessGates.enumerated() {
            name(type, path.field("readinessGates")[n].field("conditionType"), Names.qualifiedName)
        }
        let names = Set((spec.initContainers + spec.containers).map(\.name))
        volumes(spec.volumes, path.field("volumes"), containers: names)
        containers(spec, path)
    }

    private mutating func security(_ context: PodSecurityContext, _ path: FieldPath) {
        inRange(context.runAsUser, Self.ids, path.field("runAsUser"))
        inRange(context.runAsGroup, Self.ids, path.field("runAsGroup"))
        inRange(context.fsGroup, Self.ids, path.field("fsGroup"))
        for (n, group) in context.supplementalGroups.enumerated() {
            inRange(group, Self.ids, path.field("supplementalGroups")[n])
        }
        seccompType(context.seccompProfile, path.field("seccompProfile"))
        appArmor(context.appArmorProfile, path.field("appArmorProfile"))
    }

    static let ids: ClosedRange<Int64> = 0...Int64(Int32.max)

    /// The type has no default.
    mutating func seccompType(_ profile: SeccompProfile?, _ path: FieldPath) {
        guard let profile else { return }
        guard path.value(in: root)?.text("type") != nil else {
            return required(path.field("type"), "type is required when seccompProfile is set")
        }
        let file = path.field("localhostProfile")
        switch (profile.type, profile.localhostProfile) {
        case (.localhost, nil), (.localhost, ""?):
            required(file, "must be set when seccomp type is Localhost")
        case (.localhost, let name?):
            if name.hasPrefix("/") { invalid(name, "must be a relative path", file) }
            if name.split(separator: "/").contains("..") { invalid(name, "must not contain '..'", file) }
        case (_, let name?): invalid(name, "can only be set when seccomp type is Localhost", file)
        case (_, nil): break
        }
    }

    private mutating func volumes(_ volumes: [Volume], _ path: FieldPath, containers: Set<String>) {
        var names: Set<String> = []
        for (n, volume) in volumes.enumerated() {
            let path = path[n]
            name(volume.name, path.field("name"), Names.label)
            if !volume.name.isEmpty, !names.insert(volume.name).inserted {
                duplicate(volume.name, path.field("name"))
            }
            let kinds = [
                "emptyDir", "hostPath", "configMap", "downwardAPI", "image", "persistentVolumeClaim", "projected",
                "secret",
            ]
            let found = kinds.filter { value(at: path.field($0)) != nil }
            if found.count > 1 { forbidden("may not specify more than 1 volume type", path.field(found[1])) }
            if let files = volume.files, !accessTokens.contains(volume.name) {
                self.files(files, path.field(files.field.rawValue), containers: containers)
            }
            if let emptyDir = volume.emptyDir, let size = emptyDir.sizeLimit {
                let path = path.field("emptyDir").field("sizeLimit")
                if size.isNegative {
                    forbidden("SizeLimit field must be a valid resource quantity", path)
                } else if size > Self.byteLimit {
                    invalid(size.description, "must be less than or equal to \(Self.byteLimit)", path)
                }
            }
            if let claim = volume.claim {
                name(claim.claimName, path.field("persistentVolumeClaim").field("claimName"), Names.subdomain)
            }
            if let image = volume.image, image.reference.isEmpty {
                required(path.field("image").field("reference"))
            }
            if let hostPath = volume.hostPath {
                let path = path.field("hostPath").field("path")
                if hostPath.path.isEmpty {
                    required(path)
                } else if hostPath.path.split(separator: "/").contains("..") {
                    invalid(hostPath.path, "must not contain '..'", path)
                } else {
                    absolute(hostPath.path, path)
                }
            }
        }
    }

    func value(at path: FieldPath) -> JSONValue? { path.value(in: root) }
}

import JSON

/// What the API server fills in, as far as reading has not done it.
enum PodDefaults {
    static func apply(to pod: inout Pod, from manifest: JSONValue) {
        // A manifest says what should be; what is, the node says.
        pod.status = PodStatus()
        pod.metadata.creationTimestamp = nil
        pod.metadata.deletionTimestamp = nil
        pod.metadata.deletionGracePeriodSeconds = nil
        pod.metadata.resourceVersion = nil
        pod.metadata.generation = nil
        pod.spec.nodeName = nil
        if pod.metadata.namespace.isEmpty { pod.metadata.namespace = "default" }

        let accessTokens = accessTokens(of: manifest)
        for i in pod.spec.volumes.indices where !accessTokens.contains(pod.spec.volumes[i].name) {
            if !pod.spec.volumes[i].hasSource { pod.spec.volumes[i].emptyDir = EmptyDirVolumeSource() }
        }
        for i in pod.spec.initContainers.indices {
            apply(to: &pod.spec.initContainers[i], hostNetwork: pod.spec.hostNetwork)
            takeAppArmorAnnotation(of: pod.metadata, pod.spec.securityContext, to: &pod.spec.initContainers[i])
        }
        for i in pod.spec.containers.indices {
            apply(to: &pod.spec.containers[i], hostNetwork: pod.spec.hostNetwork)
            takeAppArmorAnnotation(of: pod.metadata, pod.spec.securityContext, to: &pod.spec.containers[i])
        }
    }

    /// The profile that the annotation names becomes the container's own, unless it has one or the pod's is the same.
    private static func takeAppArmorAnnotation(
        of metadata: ObjectMeta, _ context: PodSecurityContext, to container: inout Container
    ) {
        guard let text = metadata.annotations[AppArmorProfile.annotationPrefix + container.name],
            let profile = AppArmorProfile(annotation: text), profile != context.appArmorProfile,
            container.securityContext?.appArmorProfile == nil
        else { return }
        var own = container.securityContext ?? SecurityContext()
        own.appArmorProfile = profile
        container.securityContext = own
    }

    private static func apply(to container: inout Container, hostNetwork: Bool) {
        for (name, limit) in container.resources.limits where container.resources.requests[name] == nil {
            container.resources.requests[name] = limit
        }
        guard hostNetwork else { return }
        for i in container.ports.indices where container.ports[i].hostPort == nil {
            container.ports[i].hostPort = container.ports[i].containerPort
        }
    }

    /// The names of the volumes with a service account's token that the API server had added.
    static func accessTokens(of manifest: JSONValue) -> Set<String> {
        let volumes = manifest["spec"]?["volumes"]?.arrayValue ?? []
        return Set(volumes.filter(Volume.isAccessToken).compactMap { $0["name"]?.stringValue })
    }

    static func leaveOutAccessTokens(of pod: inout Pod, from manifest: JSONValue) {
        let names = accessTokens(of: manifest)
        if names.isEmpty { return }
        pod.spec.volumes.removeAll { names.contains($0.name) }
        for i in pod.spec.initContainers.indices {
            pod.spec.initContainers[i].volumeMounts.removeAll { names.contains($0.name) }
        }
        for i in pod.spec.containers.indices {
            pod.spec.containers[i].volumeMounts.removeAll { names.contains($0.name) }
        }
    }
}

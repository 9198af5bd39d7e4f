import Kube

/// Which parts of volumes a container asks for.
struct SubPathRule {
    private let context: PodContext

    init(_ context: PodContext) { self.context = context }

    /// By the index of the container's volume mounts; those that show all of their volume are not among them.
    ///
    /// - Throws: `ContainerConfigError` in the kubelet's words when a path cannot be made of the variables.
    func parts(
        of container: Container, _ variables: [EnvironmentBuilder.Variable]
    ) throws(ContainerConfigError) -> [Int: ContainerPlan.SubPathMount] {
        var parts: [Int: ContainerPlan.SubPathMount] = [:]
        let images = Set(context.pod.spec.volumes.filter { $0.image != nil }.map(\.name))
        for (n, mount) in container.volumeMounts.enumerated() {
            var path = mount.subPath
            if !mount.subPathExpr.isEmpty { path = try expand(mount.subPathExpr, variables) }
            guard !path.isEmpty, let source = context.volumes[mount.name] else { continue }
            parts[n] = ContainerPlan.SubPathMount(
                volume: mount.name, source: source, path: path,
                target: context.directory.subPath(volume: mount.name, container: container.name, index: n),
                isReadOnly: images.contains(mount.name))
        }
        return parts
    }

    private func expand(
        _ text: String, _ variables: [EnvironmentBuilder.Variable]
    ) throws(ContainerConfigError) -> String {
        let values = Dictionary(variables.map { ($0.name, $0.value) }) { $1 }
        var missing: Set<String> = []
        let path = VariableExpansion.expand(text) { name in
            let value = values[name] ?? ""
            if value.isEmpty { missing.insert(name) }
            return value
        }
        func refused(_ message: String) -> ContainerConfigError { .init(.createContainerConfig, message) }
        if !missing.isEmpty { throw refused("missing value for \(missing.sorted().joined(separator: ", "))") }
        if path.hasPrefix("/") { throw refused("error SubPath `\(path)` must not be an absolute path") }
        if path.split(separator: "/").contains("..") {
            throw refused("unable to provision SubPath `\(path)`: must not contain '..'")
        }
        return path
    }
}

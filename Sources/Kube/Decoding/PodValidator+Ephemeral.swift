import JSON

/// Containers that a pod is given while it runs.
extension PodValidator {
    /// - Parameters:
    ///   - isNew: whether the container at a place in the list is one that is added.
    mutating func ephemeral(_ spec: PodSpec, _ path: FieldPath, isNew: (Int) -> Bool) {
        let others = (spec.initContainers + spec.containers).map(\.name)
        var names = Set(others)
        for (n, ephemeral) in spec.ephemeralContainers.enumerated() {
            let path = path[n]
            let isFree = names.insert(ephemeral.name).inserted
            guard isNew(n) else { continue }
            name(ephemeral.name, path.field("name"), Names.label)
            if !ephemeral.name.isEmpty, !isFree { duplicate(ephemeral.name, path.field("name")) }
            common(ephemeral.container, spec, path, containers: Set(others))
            if let target = ephemeral.targetContainerName, !others.contains(target) {
                notFound(target, path.field("targetContainerName"))
            }
            for (n, mount) in ephemeral.container.volumeMounts.enumerated() {
                let path = path.field("volumeMounts")[n]
                let word = "cannot be set for an Ephemeral Container"
                if !mount.subPath.isEmpty { forbidden(word, path.field("subPath")) }
                if !mount.subPathExpr.isEmpty { forbidden(word, path.field("subPathExpr")) }
            }
        }
    }
}

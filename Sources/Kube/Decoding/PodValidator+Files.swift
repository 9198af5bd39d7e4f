import JSON

/// Volumes whose files the agent writes.
extension PodValidator {
    mutating func files(_ files: ProjectedFiles, _ path: FieldPath, containers: Set<String>) {
        mode(files.defaultMode, path.field("defaultMode"))
        var paths: Set<String> = []
        switch files.field {
        case .configMap, .secret:
            guard let source = files.sources.first?.data else { return }
            data(source, path, nameField: files.field == .secret ? "secretName" : "name", &paths)
        case .downwardAPI:
            downwardAPI(files.sources.first?.downwardAPI ?? [], path.field("items"), containers, &paths)
        case .projected:
            for (n, source) in files.sources.enumerated() {
                projection(source, path.field("sources")[n], containers, &paths)
            }
        }
    }

    private mutating func projection(
        _ source: ProjectedFiles.Source, _ path: FieldPath, _ containers: Set<String>, _ paths: inout Set<String>
    ) {
        let found = ["configMap", "downwardAPI", "secret"].filter { value(at: path.field($0)) != nil }
        guard let kind = found.first else { return required(path, "one of: configMap, downwardAPI, secret") }
        if found.count > 1 { forbidden("may not specify more than 1 volume type per source", path) }
        if let source = source.data { data(source, path.field(kind), nameField: "name", &paths) }
        if let files = source.downwardAPI { downwardAPI(files, path.field(kind).field("items"), containers, &paths) }
    }

    private mutating func data(
        _ source: DataVolumeSource, _ path: FieldPath, nameField: String, _ paths: inout Set<String>
    ) {
        name(source.name, path.field(nameField), Names.subdomain)
        for (n, item) in source.items.enumerated() {
            let path = path.field("items")[n]
            if item.key.isEmpty { required(path.field("key")) }
            place(item.path, path.field("path"), &paths)
            mode(item.mode, path.field("mode"))
        }
    }

    private mutating func downwardAPI(
        _ files: [DownwardAPIFile], _ path: FieldPath, _ containers: Set<String>, _ paths: inout Set<String>
    ) {
        for (n, file) in files.enumerated() {
            let path = path[n]
            place(file.path, path.field("path"), &paths)
            mode(file.mode, path.field("mode"))
            switch (file.fieldRef, file.resourceFieldRef) {
            case (nil, nil): required(path, "one of fieldRef and resourceFieldRef is required")
            case (_?, _?):
                invalid("resource", "fieldRef and resourceFieldRef can not be specified simultaneously", path)
            case (let field?, nil):
                fieldRef(field.fieldPath, path.field("fieldRef").field("fieldPath"), of: Self.fileFieldPaths)
            case (nil, let selector?):
                let path = path.field("resourceFieldRef")
                if selector.containerName == nil { required(path.field("containerName")) }
                resourceRef(selector, path, containers: containers)
            }
        }
    }

    /// The fields of the pod that a file can show: what does not change while the pod is there.
    static let fileFieldPaths = [
        "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations",
    ]

    /// A path in the volume, and that no other file has it.
    private mutating func place(_ text: String, _ path: FieldPath, _ paths: inout Set<String>) {
        if text.isEmpty { return required(path) }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if text.hasPrefix("/") { return invalid(text, "must be a relative path", path) }
        if parts.contains("..") { return invalid(text, "must not contain '..'", path) }
        if text.hasPrefix("..") { return invalid(text, "must not start with '..'", path) }
        if parts.contains("") || parts.contains(".") {
            return invalid(text, "must not have empty parts or parts '.'", path)
        }
        if parts.contains(where: { $0.utf8.count > 255 }) || text.utf8.count > 4000 {
            return invalid(text, "is longer than a path of Linux may be", path)
        }
        if !paths.insert(text).inserted { invalid(text, "conflicting duplicate paths", path) }
    }

    private mutating func mode(_ mode: Int32?, _ path: FieldPath) {
        guard let mode, !(0...0o777).contains(mode) else { return }
        invalid(Int64(mode), "must be a number between 0 and 0777 (octal), both inclusive", path)
    }
}

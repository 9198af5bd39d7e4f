import Kube

/// The files of a volume that the agent writes, by their paths in it. Pure.
public struct VolumeContent: Hashable, Sendable {
    public struct File: Hashable, Sendable {
        public var bytes: [UInt8]
        public var mode: UInt32

        public init(_ bytes: [UInt8], mode: UInt32) {
            self.bytes = bytes
            self.mode = mode
        }
    }

    public var files: [String: File]

    public init(_ files: [String: File]) { self.files = files }

    /// Lets the owner and the group of every file read it, as the kubelet does in the volumes of a pod with an fsGroup.
    public mutating func openToGroup() {
        for path in files.keys { files[path]?.mode |= 0o440 }
    }

    /// What the volume is to hold now.
    ///
    /// - Throws: `ContainerConfigError` whose message is the kubelet's, when an object or a key of it is not there and
    ///   is not optional.
    public init(
        _ volume: ProjectedFiles, of pod: Pod, node: NodeFacts, objects: DataObjects
    ) throws(ContainerConfigError) {
        files = [:]
        for source in volume.sources {
            if let data = source.data { try add(data, pod, objects, volume.defaultMode) }
            for file in source.downwardAPI ?? [] { try add(file, pod, node, volume.defaultMode) }
        }
    }

    private mutating func add(
        _ source: DataVolumeSource, _ pod: Pod, _ objects: DataObjects, _ defaultMode: Int32
    ) throws(ContainerConfigError) {
        let isOptional = source.optional == true
        let key = DataObject.Key(source.kind, namespace: pod.metadata.namespace, name: source.name)
        guard let object = objects[key] else {
            if isOptional { return }
            throw error("\(source.kind.word) \"\(source.name)\" not found")
        }
        let found = object.files
        if source.items.isEmpty {
            for (key, bytes) in found { set(key, bytes, nil, defaultMode) }
            return
        }
        for item in source.items {
            if let bytes = found[item.key] {
                set(item.path, bytes, item.mode, defaultMode)
            } else if !isOptional {
                throw error(
                    source.kind == .secret
                        ? "references non-existent secret key: \(item.key)"
                        : "configmap references non-existent config key: \(item.key)")
            }
        }
    }

    private mutating func add(
        _ file: DownwardAPIFile, _ pod: Pod, _ node: NodeFacts, _ defaultMode: Int32
    ) throws(ContainerConfigError) {
        let values = EnvironmentBuilder(pod: pod, node: node, podIPs: [])
        var text = ""
        if let field = file.fieldRef {
            switch field.fieldPath {
            case "metadata.labels": text = Self.lines(pod.metadata.labels)
            case "metadata.annotations": text = Self.lines(pod.metadata.annotations)
            default: text = try values.value(of: field)
            }
        } else if let resource = file.resourceFieldRef {
            text = try values.value(of: resource, for: Container())
        }
        set(file.path, Array(text.utf8), file.mode, defaultMode)
    }

    private mutating func set(_ path: String, _ bytes: [UInt8], _ mode: Int32?, _ defaultMode: Int32) {
        files[path] = File(bytes, mode: UInt32(clamping: mode ?? defaultMode) & 0o777)
    }

    private func error(_ message: String) -> ContainerConfigError {
        ContainerConfigError(.createContainerConfig, message, isOfObject: true)
    }

    /// `key="value"`, a line each, by key.
    static func lines(_ map: [String: String]) -> String {
        map.sorted { $0.key < $1.key }.map { "\($0.key)=\(quoted($0.value))" }.joined(separator: "\n")
    }

    /// As Go writes a text in quotes.
    static func quoted(_ text: String) -> String {
        let names: [Unicode.Scalar: String] = [
            "\u{7}": "\\a", "\u{8}": "\\b", "\u{C}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{B}": "\\v",
            "\"": "\\\"", "\\": "\\\\",
        ]
        func hex(_ value: UInt32, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        var out = "\""
        for scalar in text.unicodeScalars {
            if let name = names[scalar] {
                out += name
            } else if scalar.value < 0x20 || scalar.value == 0x7F {
                out += "\\x" + hex(scalar.value, 2)
            } else if scalar == " " || isPrinted(scalar) {
                out.unicodeScalars.append(scalar)
            } else {
                out += scalar.value > 0xFFFF ? "\\U" + hex(scalar.value, 8) : "\\u" + hex(scalar.value, 4)
            }
        }
        return out + "\""
    }

    private static func isPrinted(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            false
        default: true
        }
    }
}

import Kube
import OCI

/// The environment of a pod's containers: the image's, then the manifest's, with references resolved.
public struct EnvironmentBuilder: Sendable {
    public struct Variable: Hashable, Sendable {
        public var name: String
        public var value: String
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    let pod: Pod
    let node: NodeFacts
    /// Empty for a pod without an address.
    let podIPs: [String]
    let objects: DataObjects
    let files: EnvFiles

    public init(
        pod: Pod, node: NodeFacts, podIPs: [String], objects: DataObjects = DataObjects(),
        files: EnvFiles = EnvFiles()
    ) {
        self.files = files
        self.pod = pod
        self.node = node
        self.podIPs = podIPs
        self.objects = objects
    }

    /// The manifest's variables of a container in their order, those of whole ConfigMaps and Secrets first; one that is
    /// given twice has its last value.
    ///
    /// - Throws: `ContainerConfigError` (CreateContainerConfigError) for a reference to what is not there.
    public func variables(of container: Container) throws(ContainerConfigError) -> [Variable] {
        var variables: [Variable] = []
        var places: [String: Int] = [:]
        func set(_ name: String, _ value: String) throws(ContainerConfigError) {
            guard !name.utf8.contains(0), !value.utf8.contains(0) else {
                throw error("environment variable \"\(name)\" has a NUL byte")
            }
            if let place = places[name] {
                variables[place].value = value
            } else {
                places[name] = variables.count
                variables.append(Variable(name: name, value: value))
            }
        }
        for source in container.envFrom {
            guard let reference = source.reference,
                let object = try object(reference.kind, reference.name, optional: reference.optional)
            else { continue }
            for (key, bytes) in object.data.sorted(by: { $0.key < $1.key }) {
                try set(source.prefix + key, try text(bytes, key, object))
            }
        }
        for entry in container.env {
            var value = entry.value
            if !value.isEmpty {
                value = VariableExpansion.expand(value) { name in places[name].map { variables[$0].value } }
            } else if let field = entry.valueFrom?.fieldRef {
                value = try self.value(of: field)
            } else if let resource = entry.valueFrom?.resourceFieldRef {
                value = try self.value(of: resource, for: container)
            } else if let selector = entry.valueFrom?.keyRef {
                // What is optional and not there is no variable; an earlier one of the name stays.
                guard let found = try self.value(of: selector) else { continue }
                value = found
            } else if let selector = entry.valueFrom?.fileKeyRef {
                guard let found = try self.value(of: selector) else { continue }
                value = found
            }
            try set(entry.name, value)
        }
        return variables
    }

    // MARK: ConfigMaps and Secrets

    /// An object of the pod's namespace; nil when it is not there and need not be.
    private func object(
        _ kind: DataObject.Kind, _ name: String, optional: Bool?
    ) throws(ContainerConfigError) -> DataObject? {
        if let found = objects[DataObject.Key(kind, namespace: pod.metadata.namespace, name: name)] { return found }
        if optional == true { return nil }
        throw missing("\(kind.word) \"\(name)\" not found")
    }

    private func value(of selector: DataKeySelector) throws(ContainerConfigError) -> String? {
        guard let object = try object(selector.kind, selector.name, optional: selector.optional) else { return nil }
        if let bytes = object.data[selector.key] { return try text(bytes, selector.key, object) }
        if selector.optional == true { return nil }
        throw missing(
            "couldn't find key \(selector.key) in \(selector.kind.rawValue) \(pod.metadata.namespace)/\(selector.name)")
    }

    /// A variable of a file; nil when it is not there and need not be.
    private func value(of selector: FileKeySelector) throws(ContainerConfigError) -> String? {
        switch files.found[.init(volume: selector.volumeName, path: selector.path)] {
        case .file(let file):
            if let value = file.values[selector.key] { return value }
            if selector.optional == true { return nil }
            throw error("environment variable key \"\(selector.key)\" not found in file \"\(selector.path)\"")
        case .unusable(let why): throw error("couldn't parse env file \"\(selector.path)\": \(why)")
        case .nothing where selector.optional == true: return nil
        case .nothing, nil: throw error("env file \"\(selector.path)\" not found in volume \"\(selector.volumeName)\"")
        }
    }

    /// A variable is text: other bytes would arrive as something else.
    private func text(
        _ bytes: [UInt8], _ key: String, _ object: DataObject
    ) throws(ContainerConfigError) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        throw missing("the value of key \(key) in \(object.key) is not UTF-8 text; mount it as a file")
    }

    private func missing(_ message: String) -> ContainerConfigError {
        ContainerConfigError(.createContainerConfig, message, isOfObject: true)
    }

    /// The whole environment: HOSTNAME, the image's variables and the manifest's, a later one of a name replacing the
    /// earlier; PATH and (with a terminal) TERM where nobody gave them.
    public static func environment(
        _ variables: [Variable], image: ImageConfig, hostname: String, terminal: Bool = false
    ) -> [String] {
        var entries: [String] = []
        var places: [Substring: Int] = [:]
        func set(_ entry: String) {
            let name = entry.prefix { $0 != "=" }
            if let place = places[name] {
                entries[place] = entry
            } else {
                places[name] = entries.count
                entries.append(entry)
            }
        }
        set("HOSTNAME=" + hostname)
        if terminal { set("TERM=xterm") }
        for entry in image.env { set(entry) }
        for variable in variables { set("\(variable.name)=\(variable.value)") }
        if places["PATH"] == nil { set("PATH=" + defaultPath) }
        return entries
    }

    // MARK: fieldRef

    func value(of field: ObjectFieldSelector) throws(ContainerConfigError) -> String {
        guard field.apiVersion == "v1" else { throw error("unsupported pod version: \(field.apiVersion)") }
        let path = field.fieldPath
        if let bracket = path.firstIndex(of: "["), path.hasSuffix("']"), path[bracket...].hasPrefix("['") {
            let key = String(path[path.index(bracket, offsetBy: 2)...].dropLast(2))
            switch path[..<bracket] {
            case "metadata.labels": return pod.metadata.labels[key] ?? ""
            case "metadata.annotations": return pod.metadata.annotations[key] ?? ""
            default: throw error("field label does not support subscript: \(path[..<bracket])")
            }
        }
        switch path {
        case "metadata.name": return pod.metadata.name
        case "metadata.namespace": return pod.metadata.namespace
        case "metadata.uid": return pod.metadata.uid
        case "spec.nodeName": return node.name
        case "spec.serviceAccountName": return pod.spec.serviceAccountName ?? ""
        case "status.hostIP": return node.addresses.first ?? ""
        case "status.hostIPs": return node.addresses.joined(separator: ",")
        case "status.podIP": return podAddresses.first ?? ""
        case "status.podIPs": return podAddresses.joined(separator: ",")
        default: throw error("field label not supported: \(path)")
        }
    }

    private var podAddresses: [String] { pod.spec.hostNetwork && podIPs.isEmpty ? node.addresses : podIPs }

    // MARK: resourceFieldRef

    func value(
        of selector: ResourceFieldSelector, for container: Container
    ) throws(ContainerConfigError) -> String {
        var target = container
        if let name = selector.containerName {
            guard let other = pod.spec.allContainers.first(where: { $0.name == name }) else {
                throw error("container \(name) not found")
            }
            target = other
        }
        let resources = target.resources
        let amount: Quantity
        switch selector.resource {
        case "limits.cpu": amount = positive(resources.limits["cpu"]) ?? Quantity(milli: node.allocatableMilliCPU)
        case "limits.memory": amount = positive(resources.limits["memory"]) ?? Quantity(node.allocatableMemory)
        case "limits.ephemeral-storage":
            amount = positive(resources.limits["ephemeral-storage"]) ?? Quantity(node.allocatableStorage)
        case "requests.cpu", "requests.memory", "requests.ephemeral-storage":
            let name = String(selector.resource.dropFirst("requests.".count))
            amount = resources.requests[name] ?? resources.limits[name] ?? Quantity(0)
        default: throw error("unsupported container resource : \(selector.resource)")
        }
        let divisor = selector.divisor.isZero ? Quantity(1) : selector.divisor
        // CPUs are divided in thousandths, the rest in whole units, both rounded up.
        let isCPU = selector.resource.hasSuffix(".cpu")
        let (value, unit) = isCPU ? (amount.milliValue, divisor.milliValue) : (amount.value, divisor.value)
        guard unit > 0 else { throw error("resourceFieldRef: invalid divisor \(divisor)") }
        let (quotient, rest) = max(value, 0).quotientAndRemainder(dividingBy: unit)
        return String(quotient + (rest > 0 ? 1 : 0))
    }

    private func positive(_ quantity: Quantity?) -> Quantity? { quantity.flatMap { $0 > Quantity(0) ? $0 : nil } }

    private func error(_ message: String) -> ContainerConfigError {
        ContainerConfigError(.createContainerConfig, message)
    }
}

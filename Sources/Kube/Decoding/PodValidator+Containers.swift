import JSON

/// The containers of a pod.
extension PodValidator {
    mutating func containers(_ spec: PodSpec, _ path: FieldPath) {
        if spec.containers.isEmpty { required(path.field("containers")) }
        for (list, count) in [("initContainers", spec.initContainers.count), ("containers", spec.containers.count)]
        where count > Self.containerLimit {
            return add("Too many: \(count): must have at most \(Self.containerLimit) items", path.field(list))
        }
        let all = Set((spec.initContainers + spec.containers).map(\.name))
        var names: Set<String> = []
        var hostPorts: Set<String> = []
        for (list, containers) in [("initContainers", spec.initContainers), ("containers", spec.containers)] {
            for (n, container) in containers.enumerated() {
                let path = path.field(list)[n]
                name(container.name, path.field("name"), Names.label)
                if !container.name.isEmpty, !names.insert(container.name).inserted {
                    duplicate(container.name, path.field("name"))
                }
                common(container, spec, path, containers: all)
                ports(container.ports, path.field("ports"), hostNetwork: spec.hostNetwork)
                // Init containers run one after another: their ports do not meet.
                let isInit = list == "initContainers" && container.restartPolicy != .always
                if !isInit { distinct(container.ports, path.field("ports"), &hostPorts) }
                restartRules(container, path)
                resources(container.resources, path.field("resources"))
                probes(container, path, isInit: isInit)
                lifecycle(container, of: spec, isInit: isInit, path.field("lifecycle"))
            }
        }
    }

    /// What every kind of container has.
    mutating func common(_ container: Container, _ spec: PodSpec, _ path: FieldPath, containers: Set<String>) {
        image(container.image, path.field("image"))
        absolute(container.workingDir, path.field("workingDir"))
        absolute(container.terminationMessagePath, path.field("terminationMessagePath"))
        for (n, variable) in container.env.enumerated() {
            env(variable, path.field("env")[n], containers: containers, volumes: spec.volumes)
        }
        for (n, source) in container.envFrom.enumerated() { envFrom(source, path.field("envFrom")[n]) }
        mounts(container, path.field("volumeMounts"), volumes: Set(spec.volumes.map(\.name)))
        if let context = container.securityContext { security(context, path.field("securityContext")) }
    }

    private mutating func restartRules(_ container: Container, _ path: FieldPath) {
        let rules = container.restartPolicyRules
        guard !rules.isEmpty else { return }
        if container.restartPolicy == nil {
            required(path.field("restartPolicy"), "must specify restartPolicy when restart rules are used")
        }
        let path = path.field("restartPolicyRules")
        if rules.count > 20 { add("Too many: \(rules.count): must have at most 20 items", path) }
        for (n, rule) in rules.enumerated() {
            if value(at: path[n].field("action")) == nil { required(path[n].field("action")) }
            guard let codes = rule.exitCodes else {
                required(path[n].field("exitCodes"), "must be specified")
                continue
            }
            if value(at: path[n].field("exitCodes").field("operator")) == nil {
                required(path[n].field("exitCodes").field("operator"))
            }
            let path = path[n].field("exitCodes").field("values")
            if codes.values.isEmpty { required(path) }
            if codes.values.count > 255 { add("Too many: \(codes.values.count): must have at most 255 items", path) }
            if let twice = codes.values.enumerated().first(where: { codes.values[..<$0.offset].contains($0.element) }) {
                duplicate("\(twice.element)", path[twice.offset])
            }
        }
    }

    private mutating func image(_ image: String, _ path: FieldPath) {
        if image.isEmpty { return required(path) }
        guard let first = image.unicodeScalars.first, let last = image.unicodeScalars.last else { return }
        if first.properties.isWhitespace || last.properties.isWhitespace {
            invalid(image, "must not have leading or trailing whitespace", path)
        }
    }

    private mutating func ports(_ ports: [ContainerPort], _ path: FieldPath, hostNetwork: Bool) {
        var names: Set<String> = []
        for (n, port) in ports.enumerated() {
            let path = path[n]
            if let portName = port.name {
                if let wrong = Names.portName(portName) {
                    invalid(portName, wrong, path.field("name"))
                } else if !names.insert(portName).inserted {
                    duplicate(portName, path.field("name"))
                }
            }
            if value(at: path.field("containerPort")) == nil {
                required(path.field("containerPort"))
                continue
            }
            inRange(Int64(port.containerPort), 1...65535, path.field("containerPort"))
            if let hostIP = port.hostIP { name(hostIP, path.field("hostIP"), Names.address) }
            guard let hostPort = port.hostPort else { continue }
            inRange(Int64(hostPort), 1...65535, path.field("hostPort"))
            if hostNetwork, hostPort != port.containerPort {
                invalid(
                    Int64(hostPort), "must match `containerPort` when `hostNetwork` is true", path.field("hostPort"))
            }
        }
    }

    private mutating func distinct(_ ports: [ContainerPort], _ path: FieldPath, _ seen: inout Set<String>) {
        for (n, port) in ports.enumerated() {
            guard let hostPort = port.hostPort else { continue }
            let key = "\(port.protocol.rawValue)/\(port.hostIP ?? "")/\(hostPort)"
            if !seen.insert(key).inserted { duplicate(key, path[n].field("hostPort")) }
        }
    }

    private mutating func env(
        _ variable: EnvVar, _ path: FieldPath, containers: Set<String>, volumes: [Volume]
    ) {
        name(variable.name, path.field("name"), Names.environment)
        guard let source = variable.valueFrom else { return }
        let path = path.field("valueFrom")
        if !variable.value.isEmpty { invalid("", "may not be specified when `value` is not empty", path) }
        let fields = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]
        let found = fields.filter { value(at: path.field($0)) != nil }
        if found.isEmpty {
            invalid(
                "",
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
                path)
        } else if found.count > 1 {
            invalid("", "may not have more than one field specified at a time", path)
        } else if let field = source.fieldRef {
            fieldRef(field.fieldPath, path.field("fieldRef").field("fieldPath"))
        } else if let selector = source.resourceFieldRef {
            resourceRef(selector, path.field("resourceFieldRef"), containers: containers)
        } else if let selector = source.keyRef {
            name(selector.name, path.field(found[0]).field("name"), Names.subdomain)
            name(selector.key, path.field(found[0]).field("key"), Names.dataKey)
        } else if let selector = source.fileKeyRef {
            fileKey(selector, path.field("fileKeyRef"), volumes: volumes)
        }
    }

    private mutating func envFrom(_ source: EnvFromSource, _ path: FieldPath) {
        if !source.prefix.isEmpty { name(source.prefix, path.field("prefix"), Names.environment) }
        let found = ["configMapRef", "secretRef"].filter { value(at: path.field($0)) != nil }
        if found.count > 1 { return invalid("", "may not have more than one field specified at a time", path) }
        guard let reference = source.reference, let field = found.first else {
            return invalid("", "must specify one of: `configMapRef` or `secretRef`", path)
        }
        name(reference.name, path.field(field).field("name"), Names.subdomain)
    }

    /// The fields of the pod that a variable can show.
    static let fieldPaths = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]

    mutating func fieldRef(
        _ fieldPath: String, _ path: FieldPath, of fields: [String] = PodValidator.fieldPaths
    ) {
        if fieldPath.isEmpty { return required(path) }
        if fields.contains(fieldPath) { return }
        for map in ["metadata.labels", "metadata.annotations"] where fieldPath.hasPrefix(map + "['") {
            guard fieldPath.hasSuffix("']"), fieldPath.utf8.count >= map.utf8.count + 4 else { break }
            let key = String(fieldPath.dropFirst(map.count + 2).dropLast(2))
            if let wrong = Names.qualifiedName(map == "metadata.labels" ? key : key.lowercased()) {
                invalid(key, wrong, path)
            }
            return
        }
        unsupported(fieldPath, fields + ["metadata.labels['<KEY>']", "metadata.annotations['<KEY>']"], path)
    }

    mutating func resourceRef(_ selector: ResourceFieldSelector, _ path: FieldPath, containers: Set<String>) {
        let resources = ["limits.cpu", "limits.memory", "requests.cpu", "requests.memory"]
        if let container = selector.containerName, !containers.contains(container) {
            notFound(container, path.field("containerName"))
        }
        if selector.resource.isEmpty { return required(path.field("resource")) }
        if !resources.contains(selector.resource) {
            return unsupported(selector.resource, resources, path.field("resource"))
        }
        let isCPU = selector.resource.hasSuffix(".cpu")
        let divisors = isCPU ? Self.cpuDivisors : Self.memoryDivisors
        if !selector.divisor.isZero, !divisors.contains(selector.divisor) {
            let names = isCPU ? "1m and 1" : "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
            let detail = "only divisor's values \(names) are supported with the \(isCPU ? "cpu" : "memory") resource"
            invalid(selector.divisor.description, detail, path.field("divisor"))
        }
    }

    private static let cpuDivisors = [Quantity(milli: 1), Quantity(1)]
    private static let memoryDivisors = [
        "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
    ]
    .compactMap { Quantity($0) }

    /// More than any machine holds, and little enough that sums over a pod stay within 64 bits.
    private static let containerLimit = 1000
    private static let cpuLimit = Quantity(1_000_000)
    static let byteLimit = Quantity(4 << 50, .binarySI)

    private mutating func resources(_ resources: ResourceRequirements, _ path: FieldPath) {
        for (list, quantities) in [("limits", resources.limits), ("requests", resources.requests)] {
            // A request that was filled in from the limit has nothing to say of its own.
            let written = value(at: path.field(list))
            for (name, quantity) in quantities.sorted(by: { $0.key < $1.key }) where written?[name] != nil {
                let path = path.field(list).key(name)
                if let wrong = Self.unsupportedResource(name) {
                    add(wrong, path)
                } else if quantity.isNegative {
                    invalid(quantity.description, "must be greater than or equal to 0", path)
                } else if quantity > (name == "cpu" ? Self.cpuLimit : Self.byteLimit) {
                    let limit = name == "cpu" ? Self.cpuLimit : Self.byteLimit
                    invalid(quantity.description, "must be less than or equal to \(limit)", path)
                } else if name != "cpu", quantity.nanoValue % 1_000_000_000 != 0 {
                    var hint = ""
                    if let text = written?[name]?.stringValue, text.hasSuffix("m") {
                        hint = " (did you mean \"\(text.dropLast())M\"?)"
                    }
                    invalid(quantity.description, "must be a whole number of bytes\(hint)", path)
                } else if list == "requests", let limit = resources.limits[name], quantity > limit {
                    invalid(quantity.description, "must be less than or equal to \(name) limit of \(limit)", path)
                }
            }
        }
    }

    /// What would have to be provided.
    private static func unsupportedResource(_ name: String) -> String? {
        switch name {
        case "cpu", "memory", "ephemeral-storage": return nil
        default:
            if name.hasPrefix("hugepages-") { return "not supported: huge pages are not managed yet; remove it" }
            if let wrong = Names.qualifiedName(name) {
                return "Invalid value: \(ManifestIssue.quoted(name)): \(wrong)"
            }
            return name.contains("/")
                ? "not supported: no device plugin provides it; remove it"
                : "Invalid value: \(ManifestIssue.quoted(name)): must be a standard resource type or fully qualified"
        }
    }

    private mutating func security(_ context: SecurityContext, _ path: FieldPath) {
        inRange(context.runAsUser, Self.ids, path.field("runAsUser"))
        inRange(context.runAsGroup, Self.ids, path.field("runAsGroup"))
        seccompType(context.seccompProfile, path.field("seccompProfile"))
        appArmor(context.appArmorProfile, path.field("appArmorProfile"))
        let added = context.capabilities?.add ?? []
        if context.allowPrivilegeEscalation == false {
            let escalation = path.field("allowPrivilegeEscalation")
            if context.privileged == true {
                let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
                add("Invalid value: false: \(detail)", escalation)
            }
            if added.contains("SYS_ADMIN") || added.contains("CAP_SYS_ADMIN") {
                let detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
                add("Invalid value: false: \(detail)", escalation)
            }
        }
        for (list, names) in [("add", added), ("drop", context.capabilities?.drop ?? [])] {
            for (n, name) in names.enumerated() where !Capabilities.names.contains(name) {
                let bare = name.uppercased().hasPrefix("CAP_") ? String(name.dropFirst(4)) : name
                let close = Spelling.closest(to: bare, among: Capabilities.names)
                let hint = close.map { " (did you mean \"\($0)\"?)" } ?? ""
                invalid(name, "not a capability\(hint)", path.field("capabilities").field(list)[n])
            }
        }
    }
}

extension Capabilities {
    /// The kernel's, as Kubernetes writes them.
    static let names = [
        "ALL", "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN",
        "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE",
        "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST",
        "NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT",
        "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME",
        "SYS_TTY_CONFIG", "WAKE_ALARM",
    ]
}

import JSON

/// core/v1.Container, as far as the node acts on it.
public struct Container: KubeValue {
    public var name: String
    public var image: String
    public var imagePullPolicy: PullPolicy
    public var command: [String]
    public var args: [String]
    public var workingDir: String?
    public var env: [EnvVar]
    /// Variables from whole ConfigMaps and Secrets; `env` goes before them.
    public var envFrom: [EnvFromSource]
    public var ports: [ContainerPort]
    /// Replaces the pod's for this container; an init container with `Always` is a sidecar.
    public var restartPolicy: RestartPolicy?
    /// Ends after which it runs again whatever `restartPolicy` says.
    public var restartPolicyRules: [ContainerRestartRule]
    public var resources: ResourceRequirements
    public var volumeMounts: [VolumeMount]
    public var securityContext: SecurityContext?
    public var lifecycle: Lifecycle?
    /// Ends the container when it fails.
    public var livenessProbe: Probe?
    /// Says whether the container is ready.
    public var readinessProbe: Probe?
    /// Holds back the other two until it succeeds; ends the container when it fails.
    public var startupProbe: Probe?
    public var terminationMessagePath: String
    public var terminationMessagePolicy: TerminationMessagePolicy
    /// Keeps standard input open for those who attach.
    public var stdin: Bool
    /// Closes it after the first one.
    public var stdinOnce: Bool
    /// Gives it a terminal.
    public var tty: Bool
    /// Fields without effect here, kept for printing.
    public var carried: JSONObject

    public init(name: String = "", image: String = "") {
        self.name = name
        self.image = image
        imagePullPolicy = .ifOpen(image)
        command = []
        args = []
        env = []
        envFrom = []
        ports = []
        restartPolicyRules = []
        resources = ResourceRequirements()
        volumeMounts = []
        terminationMessagePath = "/dev/termination-log"
        terminationMessagePolicy = .file
        stdin = false
        stdinOnce = false
        tty = false
        carried = JSONObject()
    }

    static let carriedFields: Set<String> = ["resizePolicy"]

    public init(_ value: JSONValue) {
        self.init(name: value.text("name") ?? "", image: value.text("image") ?? "")
        if let policy: PullPolicy = value.choice("imagePullPolicy") { imagePullPolicy = policy }
        command = value.strings("command")
        args = value.strings("args")
        workingDir = value.text("workingDir")
        env = value.values("env")
        envFrom = value.values("envFrom")
        ports = value.values("ports")
        restartPolicy = value.choice("restartPolicy")
        restartPolicyRules = value.values("restartPolicyRules")
        resources = value.value("resources") ?? ResourceRequirements()
        volumeMounts = value.values("volumeMounts")
        securityContext = value.value("securityContext")
        lifecycle = value.value("lifecycle")
        livenessProbe = value.value("livenessProbe")
        readinessProbe = value.value("readinessProbe")
        startupProbe = value.value("startupProbe")
        terminationMessagePath = value.text("terminationMessagePath") ?? "/dev/termination-log"
        terminationMessagePolicy = value.choice("terminationMessagePolicy") ?? .file
        stdin = value.bool("stdin") ?? false
        stdinOnce = value.bool("stdinOnce") ?? false
        tty = value.bool("tty") ?? false
        carried = value.members(Self.carriedFields)
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("args", args)
        object.put("command", command)
        object.put("env", env)
        object.put("envFrom", envFrom)
        object.put("image", image)
        object.put("imagePullPolicy", imagePullPolicy)
        object.put("lifecycle", lifecycle)
        object.put("livenessProbe", livenessProbe)
        object.append("name", .string(name))
        object.put("ports", ports)
        object.put("readinessProbe", readinessProbe)
        object.append("resources", resources.json)
        object.put("restartPolicy", restartPolicy)
        object.put("restartPolicyRules", restartPolicyRules)
        object.put("securityContext", securityContext)
        object.put("startupProbe", startupProbe)
        object.put(flag: "stdin", stdin)
        object.put(flag: "stdinOnce", stdinOnce)
        object.put("terminationMessagePath", terminationMessagePath)
        object.put("terminationMessagePolicy", terminationMessagePolicy)
        object.put(flag: "tty", tty)
        object.put("volumeMounts", volumeMounts)
        object.put("workingDir", workingDir)
        object.put(carried: carried)
        return .object(object)
    }
}

/// When the image is fetched.
public enum PullPolicy: String, Sendable, Hashable, CaseIterable {
    case always = "Always"
    case ifNotPresent = "IfNotPresent"
    case never = "Never"

    /// What Kubernetes takes where a container leaves it open: `Always` for the tag `latest`, also where it is not
    /// written, else `IfNotPresent`.
    public static func ifOpen(_ image: String) -> PullPolicy {
        if image.contains("@") { return .ifNotPresent }
        let name = image.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let tag = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first
        return tag == nil || tag == "latest" ? .always : .ifNotPresent
    }
}

/// Where the message of a container that ended comes from.
public enum TerminationMessagePolicy: String, Sendable, Hashable, CaseIterable {
    case file = "File"
    /// The end of its log where the file is empty and it failed.
    case fallbackToLogsOnError = "FallbackToLogsOnError"
}

/// core/v1.ContainerPort: information for people, unless `hostPort` asks that the host's port lead to it; with
/// hostNetwork the port is the host's.
public struct ContainerPort: KubeValue {
    public var name: String?
    public var containerPort: Int32
    public var hostPort: Int32?
    /// The host's address that `hostPort` is bound to; nil for all.
    public var hostIP: String?
    public var `protocol`: PortProtocol

    public init(
        containerPort: Int32, protocol: PortProtocol = .tcp, name: String? = nil, hostPort: Int32? = nil,
        hostIP: String? = nil
    ) {
        self.name = name
        self.containerPort = containerPort
        self.hostPort = hostPort
        self.hostIP = hostIP
        self.protocol = `protocol`
    }

    public init(_ value: JSONValue) {
        let hostPort = value.integer("hostPort").map { Int32(clamping: $0) }
        self.init(
            containerPort: Int32(clamping: value.integer("containerPort") ?? 0),
            protocol: value.choice("protocol") ?? .tcp, name: value.text("name"),
            hostPort: hostPort == 0 ? nil : hostPort, hostIP: value.text("hostIP"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("containerPort", .integer(containerPort))
        object.put("hostIP", hostIP)
        object.put("hostPort", hostPort)
        object.put("name", name)
        object.put("protocol", `protocol`)
        return .object(object)
    }
}

/// The transport protocol of a port.
public enum PortProtocol: String, Sendable, Hashable, CaseIterable {
    case sctp = "SCTP"
    case tcp = "TCP"
    case udp = "UDP"
}

/// core/v1.ResourceRequirements.
public struct ResourceRequirements: KubeValue {
    /// By resource name: `cpu`, `memory`.
    public var limits: [String: Quantity]
    public var requests: [String: Quantity]

    public init(limits: [String: Quantity] = [:], requests: [String: Quantity] = [:]) {
        self.limits = limits
        self.requests = requests
    }

    public init(_ value: JSONValue) {
        self.init(limits: value.quantities("limits"), requests: value.quantities("requests"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("limits", limits)
        object.put("requests", requests)
        return .object(object)
    }
}

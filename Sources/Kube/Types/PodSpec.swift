import JSON

/// core/v1.PodSpec, as far as the node acts on it. The fields that have no effect here are in `carried`.
public struct PodSpec: KubeValue {
    public var containers: [Container]
    public var initContainers: [Container]
    /// Given to the pod while it ran, in the order in which that was.
    public var ephemeralContainers: [EphemeralContainer]
    public var volumes: [Volume]
    public var restartPolicy: RestartPolicy
    public var terminationGracePeriodSeconds: Int64
    /// How long the pod may be active from its start time on.
    public var activeDeadlineSeconds: Int64?
    public var dnsPolicy: DNSPolicy
    public var dnsConfig: PodDNSConfig?
    public var hostNetwork: Bool
    public var hostPID: Bool
    public var hostIPC: Bool
    public var shareProcessNamespace: Bool
    public var hostname: String?
    /// Goes before `hostname` and `subdomain`.
    public var hostnameOverride: String?
    public var subdomain: String?
    /// The kernel's host name is the full one, with the domain.
    public var setHostnameAsFQDN: Bool
    public var hostAliases: [HostAlias]
    public var securityContext: PodSecurityContext
    /// Names of Secrets in the pod's namespace, in the order in which they are tried.
    public var imagePullSecrets: [String]
    /// The node the pod is on: set by the agent.
    public var nodeName: String?
    /// Read only by the downward API.
    public var serviceAccountName: String?
    /// Pods of higher priority start first.
    public var priority: Int32?
    public var priorityClassName: String?
    /// Types of conditions, set by others, that must be true for the pod to be ready.
    public var readinessGates: [String]
    /// Fields without effect here, kept so that the pod is printed as it came.
    public var carried: JSONObject

    public init(containers: [Container] = []) {
        self.containers = containers
        initContainers = []
        ephemeralContainers = []
        volumes = []
        restartPolicy = .always
        terminationGracePeriodSeconds = 30
        dnsPolicy = .clusterFirst
        (hostNetwork, hostPID, hostIPC, shareProcessNamespace) = (false, false, false, false)
        setHostnameAsFQDN = false
        hostAliases = []
        imagePullSecrets = []
        readinessGates = []
        securityContext = PodSecurityContext()
        carried = JSONObject()
    }

    static let carriedFields: Set<String> = [
        "affinity", "automountServiceAccountToken", "enableServiceLinks", "nodeSelector", "os", "preemptionPolicy",
        "schedulerName", "schedulingGates", "schedulingGroup", "serviceAccount",
        "tolerations", "topologySpreadConstraints",
    ]

    public init(_ value: JSONValue) {
        self.init(containers: value.values("containers"))
        initContainers = value.values("initContainers")
        ephemeralContainers = value.values("ephemeralContainers")
        volumes = value.values("volumes")
        restartPolicy = value.choice("restartPolicy") ?? .always
        terminationGracePeriodSeconds = value.integer("terminationGracePeriodSeconds") ?? 30
        activeDeadlineSeconds = value.integer("activeDeadlineSeconds")
        dnsPolicy = value.choice("dnsPolicy") ?? .clusterFirst
        dnsConfig = value.value("dnsConfig")
        hostNetwork = value.bool("hostNetwork") ?? false
        hostPID = value.bool("hostPID") ?? false
        hostIPC = value.bool("hostIPC") ?? false
        shareProcessNamespace = value.bool("shareProcessNamespace") ?? false
        hostname = value.text("hostname")
        hostnameOverride = value.text("hostnameOverride")
        subdomain = value.text("subdomain")
        setHostnameAsFQDN = value.bool("setHostnameAsFQDN") ?? false
        hostAliases = value.values("hostAliases")
        securityContext = value.value("securityContext") ?? PodSecurityContext()
        imagePullSecrets = (value["imagePullSecrets"]?.arrayValue ?? []).compactMap { $0.text("name") }
        nodeName = value.text("nodeName")
        serviceAccountName = value.text("serviceAccountName")
        priority = value.integer("priority").map { Int32(clamping: $0) }
        priorityClassName = value.text("priorityClassName")
        readinessGates = (value["readinessGates"]?.arrayValue ?? []).map { $0.text("conditionType") ?? "" }
        carried = value.members(Self.carriedFields)
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("activeDeadlineSeconds", activeDeadlineSeconds)
        object.append("containers", .array(containers.map(\.json)))
        object.put("dnsConfig", dnsConfig)
        object.put("dnsPolicy", dnsPolicy)
        object.put("ephemeralContainers", ephemeralContainers)
        object.put("hostAliases", hostAliases)
        object.put(flag: "hostIPC", hostIPC)
        object.put(flag: "hostNetwork", hostNetwork)
        object.put(flag: "hostPID", hostPID)
        object.put("hostname", hostname)
        object.put("hostnameOverride", hostnameOverride)
        if !imagePullSecrets.isEmpty {
            object.append("imagePullSecrets", .array(imagePullSecrets.map { ["name": .string($0)] }))
        }
        object.put("initContainers", initContainers)
        object.put("nodeName", nodeName)
        object.put("priority", priority)
        object.put("priorityClassName", priorityClassName)
        if !readinessGates.isEmpty {
            object.append("readinessGates", .array(readinessGates.map { ["conditionType": .string($0)] }))
        }
        object.put("restartPolicy", restartPolicy)
        object.append("securityContext", securityContext.json)
        object.put("serviceAccountName", serviceAccountName)
        object.put(flag: "setHostnameAsFQDN", setHostnameAsFQDN)
        object.put(flag: "shareProcessNamespace", shareProcessNamespace)
        object.put("subdomain", subdomain)
        object.put("terminationGracePeriodSeconds", terminationGracePeriodSeconds)
        object.put("volumes", volumes)
        object.put(carried: carried)
        return .object(object)
    }
}

extension PodSpec {
    /// The pod's place among those that start at once: `priority`, or that of the two classes that every cluster has.
    public var startPriority: Int32 {
        if let priority { return priority }
        switch priorityClassName {
        case "system-node-critical": return 2_000_001_000
        case "system-cluster-critical": return 2_000_000_000
        default: return 0
        }
    }
}

/// When containers that ended are started again.
public enum RestartPolicy: String, Sendable, Hashable, CaseIterable {
    case always = "Always"
    case onFailure = "OnFailure"
    case never = "Never"
}

/// Where the pod's name resolution comes from.
public enum DNSPolicy: String, Sendable, Hashable, CaseIterable {
    case clusterFirst = "ClusterFirst"
    case clusterFirstWithHostNet = "ClusterFirstWithHostNet"
    case `default` = "Default"
    /// What dnsConfig says and nothing else.
    case none = "None"
}

/// core/v1.HostAlias: a line of /etc/hosts.
public struct HostAlias: KubeValue {
    public var ip: String
    public var hostnames: [String]

    public init(ip: String, hostnames: [String]) {
        self.ip = ip
        self.hostnames = hostnames
    }

    public init(_ value: JSONValue) {
        self.init(ip: value.text("ip") ?? "", hostnames: value.strings("hostnames"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("hostnames", hostnames)
        object.append("ip", .string(ip))
        return .object(object)
    }
}

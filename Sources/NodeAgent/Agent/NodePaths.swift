import Base

/// Where an agent keeps things, below its root prefix (docs/architecture.md, "Layout on a machine").
public struct NodePaths: Sendable {
    /// The prefix; empty for the machine's own agent.
    public let root: String

    /// - Parameter root: an absolute path, or empty.
    public init(root: String) {
        self.root = root == "/" ? "" : root
    }

    public var manifests: String { root + "/etc/podspecs" }
    public var state: String { root + "/var/lib/swiftlet/state" }
    public var podRecords: String { state + "/pods" }
    /// Which claim has which volume.
    public var claims: String { state + "/claims.json" }
    /// The last good answer of the URL that pods come from.
    public var podsAnswer: String { state + "/pods-url" }
    /// Statuses of pods that wait to be sent.
    public var statusQueue: String { state + "/status" }
    public var pods: String { root + "/var/lib/swiftlet/pods" }
    public var images: String { root + "/var/lib/swiftlet/images" }
    public var run: String { root + "/run/swiftlet" }
    public var socket: String { run + "/swiftlet.sock" }
    public var lock: String { run + "/agent.lock" }
    public var runPods: String { run + "/pods" }
    public var seccomp: String { run + "/seccomp" }
    /// The text of the default AppArmor profile.
    public var appArmor: String { run + "/apparmor" }
    /// The journal of mounts that the host sees.
    public var mounts: String { run + "/mounts" }
    /// CNI configurations.
    public var networkConfigurations: String { root + "/etc/cni/net.d" }
    public var networkNamespaces: String { run + "/netns" }
    private var cni: String { run + "/cni" }
    /// What each pod is attached to.
    public var attachments: String { cni + "/attachments" }
    /// The addresses of the built-in network that are taken.
    public var leases: String { cni + "/leases" }
    /// Attachments as other runtimes and tools read them.
    public var networkResults: String { root + "/var/lib/cni/results" }
    /// How the host's settings were before the first pod.
    public var hostSettings: String { cni + "/host-settings.json" }
    public var logs: String { root + "/var/log/pods" }
    public var seccompProfiles: String { root + "/var/lib/swiftlet/seccomp" }

    /// The supervisor's run folder of one pod instance.
    public func runPod(_ uid: String) -> String { runPods + "/" + uid }

    /// The folder of a pod's logs, as Kubernetes lays it out.
    public func podLogs(namespace: String, name: String, uid: String) -> String {
        "\(logs)/\(namespace)_\(name)_\(uid)"
    }

    /// Tells this agent's host-global names (cgroups, bridge, table) from those of other agents on the
    /// machine: empty for the machine's own, otherwise a dash and eight digits made of the root.
    public var instanceSuffix: String {
        guard !root.isEmpty else { return "" }
        var hash: UInt32 = 2_166_136_261
        for byte in root.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let digits = String(hash, radix: 16)
        return "-" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Makes the folders that are not there. Their content is the agent's alone.
    public func create() throws(SystemError) {
        for path in [manifests, logs] { try Files.makeDirectories(path, mode: 0o755) }
        for path in [state, podRecords, pods, images, run, runPods, seccomp, mounts, networkNamespaces, cni] {
            try Files.makeDirectories(path, mode: 0o700)
        }
    }
}

import Base
import Kube

/// The page of `describe pod`, laid out as kubectl does.
struct PodDescription {
    let pod: Pod
    let events: [Event]
    let now: Timestamp
    let utc: Bool
    /// Images that are pulled for it.
    private let pulls: [PullState]
    private var lines = ""

    init(_ pod: Pod, _ events: [Event], pulls: [PullState] = [], now: Timestamp, utc: Bool = false) {
        self.pod = pod
        self.pulls = pulls
        self.events = events
        self.now = now
        self.utc = utc
        writeHead()
        writeContainers("Init Containers", pod.spec.initContainers, pod.status.initContainerStatuses)
        writeContainers("Containers", pod.spec.containers, pod.status.containerStatuses)
        writeContainers(
            "Ephemeral Containers", pod.spec.ephemeralContainers.map(\.container), pod.status.ephemeralContainerStatuses
        )
        writeConditions()
        writeVolumes()
        put(0, "QoS Class", pod.status.qosClass?.rawValue ?? "<unknown>")
        writeEvents()
    }

    var text: String { TabWriter().format(lines) }

    // MARK: Parts

    private mutating func writeHead() {
        let (metadata, status) = (pod.metadata, pod.status)
        put(0, "Name", metadata.name)
        put(0, "Namespace", metadata.namespace)
        if let account = pod.spec.serviceAccountName { put(0, "Service Account", account) }
        let address = status.hostIP.map { "/" + $0 } ?? ""
        put(0, "Node", pod.spec.nodeName.map { $0 + address } ?? "<none>")
        if let start = status.startTime { put(0, "Start Time", HumanTime.date(start, utc: utc)) }
        writeMap("Labels", metadata.labels, "=")
        writeMap("Annotations", metadata.annotations, ": ")
        if let deletion = metadata.deletionTimestamp {
            put(0, "Status", "Terminating (lasts \(HumanTime.age(deletion, now)))")
            if let grace = metadata.deletionGracePeriodSeconds { put(0, "Termination Grace Period", "\(grace)s") }
        } else {
            put(0, "Status", status.phase?.rawValue ?? "Unknown")
        }
        if let reason = status.reason { put(0, "Reason", reason) }
        if let message = status.message { put(0, "Message", message) }
        put(0, "IP", status.podIP ?? "")
        if status.podIPs.isEmpty {
            put(0, "IPs", "<none>")
        } else {
            lines += "IPs:\n"
            for ip in status.podIPs { put(1, "IP", ip) }
        }
    }

    private mutating func writeMap(_ title: String, _ map: [String: String], _ separator: String) {
        if map.isEmpty { return put(0, title, "<none>") }
        for (n, pair) in map.sorted(by: { $0.key < $1.key }).enumerated() {
            let text = Printable.line(pair.key + separator + pair.value)
            lines += (n == 0 ? title + ":" : "") + "\t" + text + "\n"
        }
    }

    private mutating func writeContainers(
        _ title: String, _ containers: [Container], _ statuses: [ContainerStatus]
    ) {
        if containers.isEmpty { return }
        lines += title + ":\n"
        for container in containers {
            lines += "  \(Printable.line(container.name)):\n"
            let status = statuses.first { $0.name == container.name }
            writeImage(container, status)
            writeList("Command", container.command)
            writeList("Args", container.args)
            if let status { writeState(status) }
            if let pull = pulls.first(where: { $0.container == container.name }) { put(2, "Pulling", pull.text) }
            writeResources(container.resources)
            writeProbes(container)
            writeEnvironment(container.env)
            writeMounts(container.volumeMounts)
        }
    }

    private mutating func writeImage(_ container: Container, _ status: ContainerStatus?) {
        put(2, "Container ID", status?.containerID ?? "")
        put(2, "Image", container.image)
        put(2, "Image ID", status?.imageID ?? "")
        let ports = container.ports.map { "\($0.containerPort)/\($0.protocol.rawValue)" }
        let hostPorts = container.ports.map { "\($0.hostPort ?? 0)/\($0.protocol.rawValue)" }
        put(2, ports.count > 1 ? "Ports" : "Port", ports.isEmpty ? "<none>" : ports.joined(separator: ", "))
        put(
            2, ports.count > 1 ? "Host Ports" : "Host Port",
            ports.isEmpty ? "<none>" : hostPorts.joined(separator: ", "))
    }

    private mutating func writeState(_ status: ContainerStatus) {
        writeState("State", status.state)
        if let last = status.lastState { writeState("Last State", last) }
        put(2, "Ready", status.ready ? "True" : "False")
        put(2, "Restart Count", String(status.restartCount))
    }

    private mutating func writeState(_ title: String, _ state: ContainerState) {
        switch state {
        case .running(let started):
            put(2, title, "Running")
            put(3, "Started", date(started))
        case .waiting(let waiting):
            put(2, title, "Waiting")
            if let reason = waiting.reason { put(3, "Reason", reason) }
            if let message = waiting.message { put(3, "Message", message) }
        case .terminated(let terminated):
            put(2, title, "Terminated")
            if let reason = terminated.reason { put(3, "Reason", reason) }
            if let message = terminated.message { put(3, "Message", message) }
            put(3, "Exit Code", String(terminated.exitCode))
            if let signal = terminated.signal, signal > 0 { put(3, "Signal", String(signal)) }
            put(3, "Started", date(terminated.startedAt))
            put(3, "Finished", date(terminated.finishedAt))
        }
    }

    private func date(_ time: Timestamp?) -> String { time.map { HumanTime.date($0, utc: utc) } ?? "<unknown>" }

    private mutating func writeResources(_ resources: ResourceRequirements) {
        for (title, map) in [("Limits", resources.limits), ("Requests", resources.requests)] where !map.isEmpty {
            lines += "    \(title):\n"
            for (name, quantity) in map.sorted(by: { $0.key < $1.key }) { put(3, name, quantity.description) }
        }
    }

    private mutating func writeEnvironment(_ variables: [EnvVar]) {
        if variables.isEmpty { return put(2, "Environment", "<none>") }
        lines += "    Environment:\n"
        for variable in variables {
            let source = variable.valueFrom
            if let field = source?.fieldRef {
                put(3, variable.name, " (\(field.apiVersion):\(field.fieldPath))")
            } else if let resource = source?.resourceFieldRef {
                put(3, variable.name, " (\(resource.resource))")
            } else {
                put(3, variable.name, variable.value)
            }
        }
    }

    private mutating func writeMounts(_ mounts: [VolumeMount]) {
        if mounts.isEmpty { return put(2, "Mounts", "<none>") }
        lines += "    Mounts:\n"
        for mount in mounts.sorted(by: { $0.mountPath < $1.mountPath }) {
            lines +=
                Printable.line("      \(mount.mountPath) from \(mount.name) (\(mount.readOnly ? "ro" : "rw"))") + "\n"
        }
    }

    private mutating func writeConditions() {
        let conditions = pod.status.conditions
        if conditions.isEmpty { return }
        lines += "Conditions:\n  Type\tStatus\n"
        for condition in conditions {
            lines += Printable.line("  \(condition.type)") + "\t\(condition.status.rawValue) \n"
        }
    }

    private mutating func writeVolumes() {
        if pod.spec.volumes.isEmpty { return put(0, "Volumes", "<none>") }
        lines += "Volumes:\n"
        for volume in pod.spec.volumes {
            lines += "  \(Printable.line(volume.name)):\n"
            if let folder = volume.emptyDir {
                put(2, "Type", "EmptyDir (a temporary directory that shares a pod's lifetime)")
                put(2, "Medium", folder.medium.rawValue)
                put(2, "SizeLimit", folder.sizeLimit?.description ?? "<unset>")
            } else if let host = volume.hostPath {
                put(2, "Type", "HostPath (bare host directory volume)")
                put(2, "Path", host.path)
                put(2, "HostPathType", host.type.rawValue)
            } else {
                lines += "    <unknown>\n"
            }
        }
    }

    private mutating func writeEvents() {
        if events.isEmpty { return put(0, "Events", "<none>") }
        lines += "Events:\n  Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------\n"
        for event in events {
            let cells = [
                event.type.rawValue, event.reason, EventPrinter.seen(event, now), event.component, event.message,
            ]
            lines += "  " + cells.map { Printable.line($0) }.joined(separator: "\t") + "\n"
        }
    }

    // MARK: Lines

    /// A line `name: value` at a level of two spaces.
    mutating func put(_ level: Int, _ name: String, _ value: String) {
        let title = Help.spaces(level * 2) + Printable.line(name)
        lines += "\(title):\t\(Printable.line(value))\n"
    }

    private mutating func writeList(_ title: String, _ items: [String]) {
        if items.isEmpty { return }
        lines += "    \(title):\n"
        for item in items {
            // Scripts are shown as the lines they are.
            for line in item.split(separator: "\n", omittingEmptySubsequences: false) {
                lines += "      \(Printable.line(String(line)))\n"
            }
        }
    }
}

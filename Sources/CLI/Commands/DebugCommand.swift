import Base
import CLinux
import HTTP
import JSON
import Kube

/// `debug`: gives a running pod a further container, to look into it.
enum DebugCommand {
    static let command = Command(
        "debug", "POD --image=IMAGE [-- COMMAND [ARGUMENTS]]", "look into a running pod with a container of its own",
        count: 1...2, takesCommand: true,
        options: [
            Option("image", value: "IMAGE", "what the container is made of"),
            Option("stdin", "i", "keep its standard input open, and attach to it"),
            Option("tty", "t", "give it a terminal"),
            Option("target", value: "NAME", "the container whose processes it sees"),
            Option("container", "c", value: "NAME", "its name (default: debugger- and five letters)"),
            Option("env", value: "NAME=VALUE", "a variable of its environment; several times for several"),
            Option("profile", value: "PROFILE", "what it may do: \(profiles) (default: general)"),
            Option("image-pull-policy", value: "POLICY", "Always, IfNotPresent or Never"),
            Option("arguments-only", nil, "what follows \"--\" are arguments of the image's own program"),
            Option("attach", nil, "attach to it once it runs (default: true with -i)"),
            GetCommand.namespace,
        ],
        details: """
            swiftlet debug -it web --image=busybox --target=main           a shell that sees the processes of main
            swiftlet debug web --image=tools -c trace -- tcpdump -w /f     runs beside the pod; see its logs, exec into it

            The pod goes on, is ready and ends as if the container were not there. It is never started again, ends with
            the pod, and stays in the pod's status until then: it cannot be removed. The exit code is the container's
            when it is attached to.

            What it may do: general traces processes (SYS_PTRACE), baseline what any container may, restricted less than
            that (no root, no capabilities), netadmin changes the pod's network (NET_ADMIN, NET_RAW), sysadmin everything
            (privileged); legacy is baseline.
            """
    ) { (invocation, tool) throws(CLIError) in
        let agent = try tool.agent()
        let pod = Pod(try PodName.fetch(try name(invocation), invocation, agent))
        let container = try container(invocation)
        // kubectl's words.
        if let target = container.targetContainerName { tool.say(Printable.line("Targeting container \"\(target)\".")) }
        if invocation["container"] == nil { tool.say("Defaulting debug container name to \(container.name).") }
        let (namespace, podName) = (pod.metadata.namespace, pod.metadata.name)
        let path = ["swiftlet", "v1", "pods", namespace, podName, "ephemeralcontainers"]
        _ = try agent.request(
            "PATCH", RequestTarget(path: path), body: ["spec": ["ephemeralContainers": [container.given]]],
            type: "application/strategic-merge-patch+json")
        guard (invocation["attach"] ?? invocation["stdin"]) == "true" else { return 0 }
        let now = try waitUntilBegun(container.name, of: pod, tool)
        if status(now, container.name)?.state.isRunning == true {
            do throws(CLIError) {
                return try AttachCommand.attach(container.name, of: now, invocation, DetachKeys(DetachKeys.usual), tool)
            } catch {
                // It may have ended meanwhile.
                guard error.code == .failed else { throw error }
                tool.say(
                    Printable.line(
                        "warning: couldn't attach to pod/\(podName), falling back to streaming logs: \(error.message)"))
            }
        }
        return try logs(container.name, of: now, tool)
    }

    // MARK: - What is asked for

    /// The pod's name: `pod web`, `pod/web` and `web` are one.
    private static func name(_ invocation: Invocation) throws(CLIError) -> String {
        let words = invocation.arguments
        if words.count == 1 { return words[0] }
        guard ["pod", "pods", "po"].contains(words[0]) else {
            throw .usage("debug: \"\(words[1])\" is one argument too many; a command stands behind \"--\"")
        }
        return words[1]
    }

    /// The container that the command line describes.
    static func container(_ invocation: Invocation) throws(CLIError) -> EphemeralContainer {
        guard let image = invocation["image"], !image.isEmpty else {
            throw .usage("debug: you must specify --image: what the container is made of")
        }
        if invocation.flag("tty"), !invocation.flag("stdin") {
            throw .usage("debug: -i/--stdin is required for containers with -t/--tty=true")
        }
        var container = Container(name: invocation["container"] ?? generatedName(), image: image)
        (container.stdin, container.tty) = (invocation.flag("stdin"), invocation.flag("tty"))
        if invocation.flag("arguments-only") {
            container.args = invocation.command ?? []
        } else {
            container.command = invocation.command ?? []
        }
        for text in invocation.options["env"] ?? [] {
            guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
                throw .usage("--env: \"\(text)\" is no NAME=VALUE")
            }
            container.env.append(EnvVar(name: String(text[..<sign]), value: String(text[text.index(after: sign)...])))
        }
        container.securityContext = try securityContext(invocation["profile"] ?? "general")
        if let text = invocation["image-pull-policy"] {
            guard let policy = PullPolicy(rawValue: text) else {
                let policies = PullPolicy.allCases.map(\.rawValue).joined(separator: ", ")
                throw .usage("--image-pull-policy: \"\(text)\" is none of \(policies)")
            }
            container.imagePullPolicy = policy
        }
        var ephemeral = EphemeralContainer(container, targetContainerName: invocation["target"])
        ephemeral.leavesPullPolicyOpen = invocation["image-pull-policy"] == nil
        return ephemeral
    }

    private static let profiles = "general, baseline, restricted, netadmin, sysadmin or legacy"

    private static func securityContext(_ profile: String) throws(CLIError) -> SecurityContext? {
        switch profile {
        case "baseline", "legacy": return nil
        case "general": return SecurityContext(["capabilities": ["add": ["SYS_PTRACE"]]])
        case "netadmin": return SecurityContext(["capabilities": ["add": ["NET_ADMIN", "NET_RAW"]]])
        case "sysadmin": return SecurityContext(["privileged": true])
        case "restricted":
            return SecurityContext([
                "allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]], "runAsNonRoot": true,
                "seccompProfile": ["type": "RuntimeDefault"],
            ])
        default: throw .usage("--profile: \"\(profile)\" is none of \(profiles)")
        }
    }

    /// As Kubernetes makes names: letters that spell no words.
    private static func generatedName() -> String {
        let letters = Array("bcdfghjklmnpqrstvwxz2456789")
        return "debugger-" + String((0..<5).map { _ in letters[Int.random(in: letters.indices)] })
    }

    // MARK: - Watching it

    private static func status(_ pod: Pod, _ name: String) -> ContainerStatus? {
        pod.status.ephemeralContainerStatuses.first { $0.name == name }
    }

    /// Returns the pod as it is when the container runs, or has ended; says what it waits for.
    private static func waitUntilBegun(_ name: String, of pod: Pod, _ tool: Tool) throws(CLIError) -> Pod {
        let isIt = { (value: JSONValue) in GetCommand.name(value) == pod.metadata.name }
        let gone = "pod \(pod.metadata.name) was ended before the container began"
        var (found, said) = (pod, "")
        /// Whether it is still to come.
        func waits(_ value: JSONValue) -> Bool {
            found = Pod(value)
            guard case .waiting(let waiting)? = status(found, name)?.state else { return status(found, name) == nil }
            if let message = waiting.message, message != said {
                tool.say(Printable.line("container \(name) waits: \(waiting.reason ?? ""): \(message)"))
                said = message
            }
            return true
        }
        try Watch("pods", namespace: pod.metadata.namespace).follow(try tool.agent()) { (pods) throws(CLIError) in
            guard let value = pods.first(where: isIt) else { throw .failed(gone) }
            return waits(value)
        } change: { (kind, value) throws(CLIError) in
            guard isIt(value) else { return true }
            if kind == .deleted { throw .failed(gone) }
            return waits(value)
        }
        return found
    }

    /// What it wrote, once it has ended; its exit code.
    private static func logs(_ name: String, of pod: Pod, _ tool: Tool) throws(CLIError) -> Int32 {
        let (namespace, podName) = (pod.metadata.namespace, pod.metadata.name)
        var sources = LogSources(tool)
        let target = RequestTarget(
            path: ["containerLogs", namespace, podName, name], query: [.init("follow", "true")])
        try sources.add("pod/\(podName)/\(name)", target, hasPrefix: false)
        guard try sources.print(sideBySide: false) else { return CLIError.Code.failed.rawValue }
        let path = ["swiftlet", "v1", "pods", namespace, podName]
        let now = Pod(try tool.agent().json("GET", RequestTarget(path: path)))
        return status(now, name)?.state.terminated?.exitCode ?? 0
    }
}

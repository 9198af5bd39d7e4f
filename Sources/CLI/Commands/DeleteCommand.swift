import Base
import HTTP
import JSON
import Kube
import PodSources

/// `delete`: removes manifests, and waits until their pods are gone. Other objects go at once.
enum DeleteCommand {
    static let command = Command(
        "delete", "pod|configmap|secret|pv|pvc NAME...", "end pods by removing their manifests", count: 0...64,
        options: [
            ManifestInput.option, GetCommand.namespace, GetCommand.selector,
            Option("grace-period", value: "SECONDS", "instead of each pod's own terminationGracePeriodSeconds"),
            Option("now", nil, "within a second, as --grace-period=1"),
            Option("force", nil, "as --grace-period=0"),
            Option("all", nil, "all of the kind in the namespace"),
            Option("wait", nil, "wait until they are gone (default: true)"),
            Option("timeout", value: "DURATION", "how long to wait, 30s (default: without end)"),
            Option("ignore-not-found", nil, "no failure for a pod that is not there"),
            Option("dry-run", nil, "say what would be done (--dry-run=client is the same)"),
        ],
        details: """
            swiftlet delete pod web             removes the manifest of pod web and waits until it has ended
            swiftlet delete -f web.yaml         the pods that the file names
            swiftlet delete pods -l app=web --wait=false
            swiftlet delete configmap web       what running pods were given of it they keep
            swiftlet delete pvc data            its volume stays as it is, and stays reserved for a claim of this name

            A container has two seconds at least to end, as the kubelet has it. Of a pod that is ending already a grace
            period makes the rest shorter, and never longer.
            """
    ) { (invocation, tool) throws(CLIError) in
        let timeout = try WaitCommand.timeout(invocation["timeout"], otherwise: nil)
        let agent = try ApplyCommand.reachable(tool)
        let store = try ManifestStore(tool, agent)
        let keys = try wanted(invocation, tool, agent, store)
        var missing = false
        var found: [ManifestItem.Key] = []
        let running = try agent?.json("GET", GetCommand.target(nil))["items"]?.arrayValue ?? []
        for key in keys {
            if store.manifest(key) != nil {
                found.append(key)
            } else if key.kind == .pod, let pod = running.first(where: { keyOf($0) == key.key }) {
                // It ends already, or its manifest is not ours to remove.
                guard pod["metadata"]?["deletionTimestamp"] == nil else {
                    found.append(key)
                    continue
                }
                throw .failed("no manifest in \(store.folder) names \(key); remove it where it comes from")
            } else if !invocation.flag("ignore-not-found") {
                missing = true
                guard key.kind == .pod else {
                    tool.say("error: no manifest in \(store.folder) names \(key)")
                    continue
                }
                let names = running.filter { keyOf($0).namespace == key.key.namespace }.map(GetCommand.name)
                tool.say("error: \(PodName.notFound(key.key.name, among: names))")
            }
        }
        let files = try store.files(of: Set(found))
        let pods = found.filter { $0.kind == .pod }.map(\.key)
        if found.isEmpty, keys.isEmpty { tool.say("No resources found") }
        let isDry = invocation.flag("dry-run")
        if !isDry, let grace = try gracePeriod(invocation) {
            let there = Set(running.map(keyOf))
            for key in pods where there.contains(key) {
                let path = ["swiftlet", "v1", "pods", key.namespace, key.name, "gracePeriod"]
                _ = try agent?.request(
                    "POST", RequestTarget(path: path, query: [.init("seconds", String(grace))]))
            }
            if agent == nil {
                tool.say("the agent is not running; when it does, the pods end within their own grace periods")
            }
        }
        if !isDry { for file in files { try ManifestStore.remove(file) } }
        for key in found {
            tool.output.line(
                Printable.line("\(key.kind.word) \"\(key.key.name)\" deleted" + (isDry ? " (dry run)" : "")))
        }
        tool.output.flush()
        if !isDry, invocation["wait"] != "false", let agent, !pods.isEmpty {
            let uids = running.filter { pods.contains(keyOf($0)) }.map { $0["metadata"]?.text("uid") ?? "" }
            try waitForEnd(Set(uids), agent, timeout)
        }
        return missing ? CLIError.Code.failed.rawValue : 0
    }

    /// In seconds; nil for each pod's own.
    private static func gracePeriod(_ invocation: Invocation) throws(CLIError) -> Int64? {
        let named = try invocation.number("grace-period", atLeast: -1)
        let choices = [
            named, invocation.flag("now") ? 1 : nil, invocation.flag("force") && named != 0 ? 0 : nil,
        ].compactMap(\.self)
        guard choices.count < 2 else {
            throw .usage("delete: --grace-period, --now and --force say different things; leave one")
        }
        // kubectl's word for the pod's own.
        return choices.first == -1 ? nil : choices.first
    }

    private static func keyOf(_ pod: JSONValue) -> PodKey {
        PodKey(namespace: pod["metadata"]?.text("namespace") ?? "", name: GetCommand.name(pod))
    }

    /// What the command line means.
    private static func wanted(
        _ invocation: Invocation, _ tool: Tool, _ agent: AgentClient?, _ store: ManifestStore
    ) throws(CLIError) -> [ManifestItem.Key] {
        var words = invocation.arguments
        var kind = ManifestItem.Kind.pod
        if let named = words.first.flatMap({ ManifestItem.Kind(word: $0) }) {
            kind = named
            words.removeFirst()
        } else if let word = words.first(where: { !$0.contains("/") }) {
            throw .usage("delete: \"\(word)\" is not known; use \"swiftlet delete pod \(word)\"")
        }
        let namespace = kind.isNamespaced ? Tool.namespace(invocation) : ""
        if let files = invocation.options["filename"] {
            guard words.isEmpty else { throw .usage("delete: names and -f are one too many; leave one out") }
            return try ManifestInput.read(files, namespace: invocation["namespace"]).flatMap { $0.items.map(\.key) }
        }
        if invocation["selector"] != nil || invocation.flag("all") {
            guard words.isEmpty else { throw .usage("delete: names and a selector are one too many; leave one out") }
            let selector = try LabelSelector(invocation["selector"] ?? "")
            return store.items.map { ($0.key, $0.labels) }
                .filter { $0.kind == kind && $0.key.namespace == namespace && selector.matches($1) }.map(\.0)
        }
        if words.isEmpty { throw .usage("delete: which? Give names, -f FILE, -l QUERY or --all") }
        return words.map { word in
            let name = kind == .pod ? PodName.plain(word) : word
            return ManifestItem.Key(kind: kind, key: PodKey(namespace: namespace, name: name))
        }
    }

    /// Returns when none of these instances is there.
    private static func waitForEnd(
        _ uids: Set<String>, _ agent: AgentClient, _ timeout: Nanoseconds?
    ) throws(CLIError) {
        var left = uids
        if left.isEmpty { return }
        try Watch("pods", namespace: nil).follow(agent) { pods in
            left.formIntersection(pods.map { $0["metadata"]?.text("uid") ?? "" })
            agent.deadline = timeout.map { .now + $0 }
            return !left.isEmpty
        } change: { kind, pod in
            if kind == .deleted { left.remove(pod["metadata"]?.text("uid") ?? "") }
            return !left.isEmpty
        }
    }
}

import Base
import HTTP
import JSON

extension Router {
    /// The paths below `/metrics` and `/stats`, as the kubelet has them; nil for others.
    func statistics(_ head: HTTPRequestHead, _ path: [String]) -> Endpoint? {
        switch path {
        case ["metrics"]: only(["GET"], head) { [self] in $0.respond(metrics: nodeMetrics()) }
        case ["metrics", "resource"]:
            only(["GET"], head) { [self] exchange in
                service.usage(withDisk: false) { exchange.respond(metrics: $0.resourceMetrics) }
            }
        case ["metrics", "cadvisor"]:
            only(["GET"], head) { [self] exchange in
                service.usage(withDisk: false) { exchange.respond(metrics: $0.containerMetrics) }
            }
        case ["stats", "summary"]:
            only(["GET"], head) { [self] exchange in
                service.usage(withDisk: true) { [self] usage in
                    // Of two that ask in turn each gets the use since the other: none is told of a time too short to
                    // mean anything.
                    let isRecent = lastUsage.map { usage.instant < $0.instant + .milliseconds(500) } ?? false
                    exchange.respond(json: usage.summary(since: isRecent ? usageBefore : lastUsage))
                    if !isRecent { (usageBefore, lastUsage) = (lastUsage, usage) }
                }
            }
        default: nil
        }
    }

    /// `/metrics`: the agent's own.
    private func nodeMetrics() -> String {
        let counters = service.counters()
        let status = service.status()
        let pods = service.pods()
        var metrics = MetricsText()
        metrics.family("kubelet_node_name", .gauge, "The node's name. The count is always 1.")
        metrics.sample(1.0, ["node": status.nodeName])
        metrics.family("swiftlet_build_info", .gauge, "The agent's version. The count is always 1.")
        metrics.sample(1.0, ["version": status.version])
        metrics.family("kubelet_desired_pods", .gauge, "The number of pods the node is being instructed to run.")
        metrics.sample(Double(pods.count), ["static": "true"])
        metrics.family("kubelet_running_pods", .gauge, "Number of pods that have a running pod sandbox")
        metrics.sample(Double(pods.filter { $0["status"]?["phase"] == "Running" }.count))
        metrics.family("kubelet_running_containers", .gauge, "Number of containers by their state")
        let states = Self.containerStates(pods)
        for state in ["running", "terminated", "waiting"] {
            metrics.sample(Double(states[state] ?? 0), ["container_state": state])
        }
        metrics.family("kubelet_started_pods_total", .counter, "Cumulative number of pods started")
        metrics.sample(counters.startedPods)
        metrics.family("kubelet_started_containers_total", .counter, "Cumulative number of containers started")
        metrics.sample(counters.startedContainers, ["container_type": "container"])
        metrics.sample(counters.startedInitContainers, ["container_type": "init_container"])
        metrics.family(
            "kubelet_started_containers_errors_total", .counter,
            "Cumulative number of errors when starting containers")
        metrics.sample(counters.startErrors)
        metrics.family(
            "kubelet_pod_start_duration_seconds", .histogram,
            "Duration in seconds from when a pod is seen for the first time to when it is running")
        metrics.histogram(counters.startDuration)
        metrics.family("swiftlet_manifest_problems", .gauge, "Manifests that cannot be used as they are.")
        metrics.sample(Double(service.manifestProblems().count))
        metrics.family("process_start_time_seconds", .gauge, "Start time of the process since unix epoch in seconds.")
        metrics.sample(Double(status.started.nanoseconds) / 1e9)
        return metrics.text
    }

    private static func containerStates(_ pods: [JSONValue]) -> [String: Int] {
        var states: [String: Int] = [:]
        for pod in pods {
            for status in pod["status"]?["containerStatuses"]?.arrayValue ?? [] {
                if let state = status["state"]?.objectValue?.members.first?.key { states[state, default: 0] += 1 }
            }
        }
        return states
    }
}

extension Exchange {
    fileprivate func respond(metrics: String) {
        respond(200, type: MetricsText.contentType, body: Array(metrics.utf8))
    }
}

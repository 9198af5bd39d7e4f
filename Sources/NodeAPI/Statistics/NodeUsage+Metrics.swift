import Base

extension NodeUsage {
    /// `/metrics/resource`, as the kubelet has it.
    var resourceMetrics: String {
        var metrics = MetricsText()
        metrics.family(
            "node_cpu_usage_seconds_total", .counter, "Cumulative cpu time consumed by the node in core-seconds")
        metrics.sample(resources.cpu.map(Self.seconds))
        metrics.family(
            "node_memory_working_set_bytes", .gauge, "Current working set of the node in bytes")
        metrics.sample(resources.workingSet)
        metrics.family(
            "pod_cpu_usage_seconds_total", .counter, "Cumulative cpu time consumed by the pod in core-seconds")
        for pod in pods {
            metrics.sample(pod.resources.cpu.map(Self.seconds), ["namespace": pod.namespace, "pod": pod.name])
        }
        metrics.family("pod_memory_working_set_bytes", .gauge, "Current working set of the pod in bytes")
        for pod in pods { metrics.sample(pod.resources.workingSet, ["namespace": pod.namespace, "pod": pod.name]) }
        metrics.family(
            "container_cpu_usage_seconds_total", .counter,
            "Cumulative cpu time consumed by the container in core-seconds")
        eachContainer { pod, container in
            metrics.sample(
                container.resources.cpu.map(Self.seconds),
                ["container": container.name, "namespace": pod.namespace, "pod": pod.name])
        }
        metrics.family("container_memory_working_set_bytes", .gauge, "Current working set of the container in bytes")
        eachContainer { pod, container in
            metrics.sample(
                container.resources.workingSet,
                ["container": container.name, "namespace": pod.namespace, "pod": pod.name])
        }
        metrics.family(
            "container_start_time_seconds", .gauge, "Start time of the container since unix epoch in seconds")
        eachContainer { pod, container in
            metrics.sample(
                Self.seconds(UInt64(clamping: container.started.nanoseconds)),
                ["container": container.name, "namespace": pod.namespace, "pod": pod.name])
        }
        metrics.family("resource_scrape_error", .gauge, "1 if there was an error while getting metrics, 0 otherwise")
        metrics.sample(Double(resources.cpu == nil ? 1 : 0))
        return metrics.text
    }

    /// `/metrics/cadvisor`: what cgroups count of containers, under cAdvisor's names.
    var containerMetrics: String {
        var metrics = MetricsText()
        func family(
            _ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (Resources) -> Double?
        ) {
            metrics.family(name, kind, help)
            eachContainer { pod, container in
                metrics.sample(
                    value(container.resources),
                    [
                        "container": container.name, "id": container.id, "image": container.image,
                        "namespace": pod.namespace, "pod": pod.name,
                    ])
            }
        }
        family("container_cpu_usage_seconds_total", .counter, "Cumulative cpu time consumed in seconds.") {
            $0.cpu.map(Self.seconds)
        }
        family("container_cpu_cfs_periods_total", .counter, "Number of elapsed enforcement period intervals.") {
            $0.cpuPeriods.map { Double($0) }
        }
        family("container_cpu_cfs_throttled_periods_total", .counter, "Number of throttled period intervals.") {
            $0.throttledPeriods.map { Double($0) }
        }
        family("container_cpu_cfs_throttled_seconds_total", .counter, "Total time duration it has been throttled.") {
            $0.throttled.map(Self.seconds)
        }
        family("container_memory_usage_bytes", .gauge, "Current memory usage in bytes, with all memory.") {
            $0.memory.map { Double($0) }
        }
        family("container_memory_working_set_bytes", .gauge, "Current working set in bytes.") {
            $0.workingSet.map { Double($0) }
        }
        family("container_memory_rss", .gauge, "Size of anonymous memory in bytes.") { $0.resident.map { Double($0) } }
        family("container_oom_events_total", .counter, "Count of out of memory events observed.") {
            $0.killedForMemory.map { Double($0) }
        }
        family("container_processes", .gauge, "Number of processes and threads running inside the container.") {
            $0.processes.map { Double($0) }
        }
        return metrics.text
    }

    private func eachContainer(_ body: (Pod, Container) -> Void) {
        for pod in pods { for container in pod.containers { body(pod, container) } }
    }

    private static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }
}

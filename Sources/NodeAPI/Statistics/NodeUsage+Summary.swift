import Base
import JSON

extension NodeUsage {
    /// `/stats/summary` (k8s.io/kubelet/pkg/apis/stats/v1alpha1 Summary). What is not counted is left out.
    ///
    /// - Parameter earlier: what was read before: CPU use a second is told from the difference.
    func summary(since earlier: NodeUsage?) -> JSONValue {
        var node = JSONObject()
        node.append("nodeName", .string(nodeName))
        node.append("startTime", .string(booted.rfc3339))
        node.append("cpu", ifPresent: cpu(resources, since: earlier?.resources, earlier))
        node.append("memory", ifPresent: memory(resources, available: availableMemory))
        node.append("fs", ifPresent: fileSystem.map(json))
        node.append("runtime", ifPresent: imageFileSystem.map { ["imageFs": json($0)] })
        return ["node": .object(node), "pods": .array(pods.map { json($0, since: earlier) })]
    }

    private func json(_ pod: Pod, since earlier: NodeUsage?) -> JSONValue {
        let before = earlier?.pods.first { $0.uid == pod.uid }
        var object = JSONObject()
        object.append(
            "podRef",
            ["name": .string(pod.name), "namespace": .string(pod.namespace), "uid": .string(pod.uid)])
        object.append("startTime", .string(pod.started.rfc3339))
        object.append(
            "containers",
            .array(
                pod.containers.map { container in
                    let same = before?.containers.first { $0.id == container.id }
                    var object = JSONObject()
                    object.append("name", .string(container.name))
                    object.append("startTime", .string(container.started.rfc3339))
                    object.append("cpu", ifPresent: cpu(container.resources, since: same?.resources, earlier))
                    object.append("memory", ifPresent: memory(container.resources))
                    object.append("rootfs", ifPresent: container.rootFolder.flatMap(json))
                    object.append("logs", ifPresent: container.logs.flatMap(json))
                    return .object(object)
                }))
        object.append("cpu", ifPresent: cpu(pod.resources, since: before?.resources, earlier))
        object.append("memory", ifPresent: memory(pod.resources))
        let volumes = pod.volumes.compactMap { volume -> JSONValue? in
            guard var object = json(volume.usage)?.objectValue else { return nil }
            object.append("name", .string(volume.name))
            return .object(object)
        }
        if !volumes.isEmpty { object.append("volume", .array(volumes)) }
        let written = pod.containers.flatMap { [$0.rootFolder, $0.logs] }.compactMap { $0 } + pod.volumes.map(\.usage)
        if !written.isEmpty { object.append("ephemeral-storage", ifPresent: json(written.reduce(DiskUsage(), +))) }
        object.append("process_stats", ifPresent: pod.resources.processes.map { ["process_count": .integer($0)] })
        return .object(object)
    }

    private func cpu(_ now: Resources, since before: Resources?, _ earlier: NodeUsage?) -> JSONValue? {
        guard let used = now.cpu else { return nil }
        var object = JSONObject()
        object.append("time", .string(time.rfc3339))
        if let before = before?.cpu, let earlier, used >= before, instant > earlier.instant {
            let rate = Double(used - before) / Double((instant - earlier.instant).count) * 1e9
            object.append("usageNanoCores", .integer(UInt64(rate)))
        }
        object.append("usageCoreNanoSeconds", .integer(used))
        return .object(object)
    }

    private func memory(_ resources: Resources, available: UInt64? = nil) -> JSONValue? {
        guard let usage = resources.memory else { return nil }
        var object = JSONObject()
        object.append("time", .string(time.rfc3339))
        let values: KeyValuePairs<String, UInt64?> = [
            "availableBytes": available, "usageBytes": usage, "workingSetBytes": resources.workingSet,
            "rssBytes": resources.resident, "pageFaults": resources.pageFaults,
            "majorPageFaults": resources.majorPageFaults,
        ]
        for (key, value) in values { object.append(key, ifPresent: value.map { .integer($0) }) }
        return .object(object)
    }

    /// A part of the file system of the pods' files.
    private func json(_ usage: DiskUsage) -> JSONValue? {
        guard let system = fileSystem else { return nil }
        return [
            "time": .string(time.rfc3339), "availableBytes": .integer(system.available),
            "capacityBytes": .integer(system.capacity), "usedBytes": .integer(usage.bytes),
            "inodesFree": .integer(system.freeInodes), "inodes": .integer(system.inodes),
            "inodesUsed": .integer(usage.inodes),
        ]
    }

    private func json(_ system: FileSystem) -> JSONValue {
        [
            "time": .string(time.rfc3339), "availableBytes": .integer(system.available),
            "capacityBytes": .integer(system.capacity), "usedBytes": .integer(system.used),
            "inodesFree": .integer(system.freeInodes), "inodes": .integer(system.inodes),
            "inodesUsed": .integer(system.inodes - min(system.freeInodes, system.inodes)),
        ]
    }
}

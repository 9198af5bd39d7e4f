import Base
import CLinux
import Cgroups
import Kube
import NodeAgent
import PodRuntime

/// Reads what cgroups and /proc count. It blocks for as long as the kernel takes: not for the loop's thread.
struct UsageReader: Sendable {
    /// A pod and where its cgroup is.
    struct Target: Sendable {
        var pod: Pod
        var cgroup: String
        var directory: PodDirectory
        var logs: String
    }

    var nodeName: String
    var hierarchy: String
    var targets: [Target]
    var podFolder: String
    var imageFolder: String
    /// Looks at the pods' files; nil when nobody asks for them.
    var disk: DiskUsageKeeper?

    @LoopActor
    init(_ node: NodeServices, imageFolder: String, pods: [Pod], disk: DiskUsageKeeper?) {
        self.disk = disk
        nodeName = node.facts.name
        hierarchy = node.cgroups.hierarchy.mountPoint
        podFolder = node.paths.pods
        self.imageFolder = imageFolder
        let root = node.cgroups.root.path
        targets = pods.compactMap { pod in
            guard let directory = PodDirectory(root: node.paths.pods, uid: pod.metadata.uid) else { return nil }
            return Target(
                pod: pod, cgroup: Path.join(root, PodCgroupPlan(pod.spec, directory: directory).path),
                directory: directory,
                logs: node.paths.podLogs(
                    namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid))
        }
    }

    func read() -> NodeUsage {
        let memory = Self.machineMemory()
        let (now, instant) = (Timestamp.now, BootInstant.now)
        var resources = NodeUsage.Resources()
        resources.cpu = Self.resources(hierarchy)?.cpu
        (resources.memory, resources.workingSet, resources.resident) =
            (memory.used, memory.workingSet, memory.anonymous)
        return NodeUsage(
            nodeName: nodeName, time: now, instant: instant,
            booted: Timestamp(nanoseconds: now.nanoseconds - instant.nanoseconds), resources: resources,
            availableMemory: memory.available, fileSystem: Self.fileSystem(podFolder),
            imageFileSystem: Self.fileSystem(imageFolder), pods: targets.compactMap(usage))
    }

    private func usage(_ target: Target) -> NodeUsage.Pod? {
        let pod = target.pod
        guard let started = pod.status.startTime, let resources = Self.resources(target.cgroup) else { return nil }
        let statuses = pod.status.allContainerStatuses
        let containers = statuses.compactMap { status -> NodeUsage.Container? in
            guard case .running(let since) = status.state,
                let resources = Self.resources(Path.join(target.cgroup, status.name))
            else { return nil }
            var container = NodeUsage.Container(
                name: status.name, started: since ?? started, image: status.image,
                id: status.containerID ?? "",
                resources: resources)
            container.rootFolder = disk?.usage(target.directory.container(status.name))
            container.logs = disk?.usage(Path.join(target.logs, status.name))
            return container
        }
        var usage = NodeUsage.Pod(
            namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid, started: started,
            resources: resources, containers: containers)
        if let disk {
            for volume in pod.spec.volumes {
                guard let source = volume.emptyDir, source.medium != .memory else { continue }
                usage.volumes.append((volume.name, disk.usage(target.directory.emptyDir(volume.name))))
            }
        }
        return usage
    }

    /// Nil when the cgroup is gone.
    private static func resources(_ path: String) -> NodeUsage.Resources? {
        guard let cgroup = try? Cgroup.open(path), let counted = try? cgroup.statistics() else { return nil }
        var resources = NodeUsage.Resources()
        if let cpu = counted.cpu {
            resources.cpu = cpu.usage &* 1000
            (resources.cpuPeriods, resources.throttledPeriods) = (cpu.periods, cpu.throttledPeriods)
            resources.throttled = cpu.throttled.map { $0 &* 1000 }
        }
        if let memory = counted.memory {
            (resources.memory, resources.workingSet) = (memory.current, memory.workingSet)
            resources.resident = memory.stat["anon"]
            (resources.pageFaults, resources.majorPageFaults) = (memory.stat["pgfault"], memory.stat["pgmajfault"])
        }
        resources.processes = counted.pids
        resources.killedForMemory = (try? cgroup.memoryEvents())?.oomKill
        return resources
    }

    private struct MachineMemory {
        var used: UInt64?
        var workingSet: UInt64?
        var anonymous: UInt64?
        var available: UInt64?
    }

    private static func machineMemory() -> MachineMemory {
        var values: [Substring: UInt64] = [:]
        let text = (try? Files.readText("/proc/meminfo")) ?? ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            if words.count >= 2, let number = UInt64(words[1]) { values[words[0].dropLast()] = number << 10 }
        }
        guard let total = values["MemTotal"], let free = values["MemFree"], free <= total else {
            return MachineMemory()
        }
        let used = total - free
        let inactive = values["Inactive(file)"] ?? 0
        let workingSet = used > inactive ? used - inactive : 0
        // As the kubelet counts: what the pods could have beside what cannot be taken back.
        return MachineMemory(
            used: used, workingSet: workingSet, anonymous: values["AnonPages"], available: total - workingSet)
    }

    private static func fileSystem(_ path: String) -> NodeUsage.FileSystem? {
        var status = statvfs()
        guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY),
            fstatvfs(folder.raw, &status) == 0
        else { return nil }
        let block = UInt64(status.f_frsize)
        let (blocks, free) = (UInt64(status.f_blocks), UInt64(status.f_bfree))
        return NodeUsage.FileSystem(
            capacity: blocks &* block, available: UInt64(status.f_bavail) &* block,
            used: (blocks - min(free, blocks)) &* block, inodes: UInt64(status.f_files),
            freeInodes: UInt64(status.f_ffree))
    }
}

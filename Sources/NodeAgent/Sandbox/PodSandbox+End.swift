import Base
import CLinux
import Cgroups
import Kube
import PodRuntime

/// How a sandbox ends: because it is released, or because its supervisor died.
extension PodSandbox {
    func lost(_ loss: SupervisorClient.Loss) {
        let lost = client
        client = nil
        self.loss = loss
        let waiters = lossWaiters
        lossWaiters = []
        for waiter in waiters { waiter.resume() }
        guard !isTearingDown else { return }
        // Before its sandbox is complete nothing runs in a new one.
        if loss.isOfLiving, isAdopted || making == nil {
            // It goes on without us: it is tried again, and another version of the agent can speak with it.
            node.log.error("pod \(pod.fullName): its supervisor goes on and cannot be reached: \(loss)")
            unreachable = SupervisorUnreachable("\(loss)")
            broken = lost
            lost?.onEndAfterLoss = { [weak self] in self?.onSupervisorLost?() }
            if making == nil { onSupervisorUnreachable?("\(loss)") }
            return
        }
        node.log.error("pod \(pod.fullName): \(loss); its containers are killed")
        // A sandbox that is being made fails by it, and says so itself. What of it is on its way is made first, and
        // then released with the rest.
        let making = making
        releasing = Task {
            if let making { _ = await making.result }
            do { try await releaseKernelObjects() } catch {
                node.log.error("pod \(pod.fullName): what ran is not all gone: \(error)")
            }
            releasing = nil
            if making == nil { onSupervisorLost?() }
        }
    }

    /// Ends the supervisor: asked first, killed when it does not go.
    func endSupervisor() async {
        guard let client else { return }
        let process = client.process
        client.shutdown { _ in }
        let killer = node.loop.schedule(after: .seconds(2)) { _ = try? process.send(SIGKILL) }
        await withCheckedContinuation { continuation in
            if self.client == nil { continuation.resume() } else { lossWaiters.append(continuation) }
        }
        node.loop.cancel(killer)
    }

    /// Kills and removes what the kernel holds for the pod: the supervisor, cgroups, network, mounts.
    func releaseKernelObjects() async throws {
        context = nil
        left = nil
        preparedCgroups = []
        // What is being written must not be unmounted below it.
        await updating?.value
        await imageVolumesSettled()
        let (root, supervisors) = (node.cgroups.root, node.cgroups.supervisors)
        try await node.pool.run { [directory, cgroupPlan] in
            for path in ["\(supervisors.path)/\(directory.uid)", "\(root.path)/\(cgroupPlan.path)"]
            where Files.isDirectory(path) {
                try Cgroup.open(path).destroy(within: .seconds(10))
            }
        }
        if !pod.spec.hostNetwork { try await node.networks.release(directory.uid) }
        try await node.pool.run { [directory, volumes = node.volumes, runFolder] in
            try volumes.unmount(directory)
            try Files.removeTree(runFolder)
        }
        imageVolumes = [:]
    }

    public func tearDown(final: Bool) async throws {
        isTearingDown = true
        for container in hooks.keys { cancelHook(container: container) }
        defer { isTearingDown = false }
        await endSupervisor()
        // A pod that is ended while it is being made: what is on its way is made first, and then released. It does not
        // wait for the supervisor, which is gone.
        if let making {
            _ = await making.result
            await endSupervisor()
        }
        await releasing?.value
        try await releaseKernelObjects()
        node.claimUses.release(directory.uid)
        guard final else { return }
        let logs = PodContext.logFolder(of: pod, in: node.paths.logs)
        try await node.pool.run { [directory, volumes = node.volumes] in
            try volumes.remove(directory)
            try Files.removeTree(logs)
        }
    }
}

import Base
import CLinux
import Images
import Kube
import Linux
import OCI
import PodProtocol
import PodRuntime

/// Starting a container.
extension PodSandbox {
    public func start(_ record: ContainerRecord, attempt: Int) async throws(StartFailure) -> StartedContainer {
        guard let container = pod.spec.allContainers.first(where: { $0.name == record.name }),
            let context
        else {
            throw StartFailure(
                .configuration, reason: "CreateContainerError", message: "the pod's sandbox is not ready", at: .now)
        }
        // The one that this start is meant for: should it die meanwhile, its successor gets a start of its own.
        let supervisor = client
        try await prepareImageVolumes(of: container)
        let image = try await image(of: container)
        let files = await envFiles(of: container, context)
        let plan: ContainerPlan
        do throws(ContainerConfigError) {
            plan = try ContainerSpecBuilder(context, objects: node.objects.current, files: files).plan(
                container, image: image.config, layers: image.layerPaths, attempt: attempt,
                hostDevices: container.securityContext?.privileged == true ? hostDevices() : [])
        } catch {
            throw StartFailure(
                error.isOfObject ? .object : .configuration, reason: error.reason.rawValue, message: error.message,
                at: .now)
        }
        if plan.pidTarget != nil, supervisor?.joinsPids == false {
            throw StartFailure(
                .execution, reason: "CreateContainerError",
                message: "the pod's supervisor is of a version that lets no container see another's processes; "
                    + "leave the target out, or start the pod anew", at: .now)
        }
        stopSignals[container.name] = plan.stopSignal
        let id = Self.newContainerID()
        let request: StartContainer
        do {
            if let shortage = node.diskFloor.shortage(at: directory.path) { throw DiskShortage(shortage) }
            let program = try node.seccomp.file(for: plan.seccomp)
            let appArmorProfile = try await appArmorProfile(plan, supervisor)
            let cgroup = try await containerCgroup(container)
            let isBounded = try await node.pool.run { [directory, volumes = node.volumes] in
                try volumes.prepare(plan, directory)
            }
            if !isBounded, attempt == 0 {
                onNote?(
                    EventNote(
                        "LimitsNotEnforced",
                        "The limit of ephemeral-storage is not enforced: the file system of \(directory.path) has no project "
                            + "quotas (ext4 and XFS have them when they are mounted with prjquota).",
                        container: container.name, warning: true))
            }
            request = plan.start(
                id: id, seccompProgram: program, appArmorProfile: appArmorProfile, cgroup: cgroup)
        } catch {
            // A part of a volume that cannot be mounted is the configuration's fault, as the kubelet sees it.
            let isConfiguration = (error as? VolumeError)?.isConfiguration == true
            throw StartFailure(
                .configuration, reason: isConfiguration ? "CreateContainerConfigError" : "CreateContainerError",
                message: "\(error)", at: .now)
        }
        onNote?(EventNote("Created", "Container created", container: container.name))
        let state = try await ask(request, of: supervisor)
        return StartedContainer(
            containerID: "swiftlet://" + id, imageID: image.id, layers: image.layerPaths,
            startedAt: state.startedAt ?? .now,
            user: state.user.map { .init(uid: $0.uid, gid: $0.gid, groups: $0.groups) })
    }

    private func appArmorProfile(_ plan: ContainerPlan, _ supervisor: SupervisorClient?) async throws -> String? {
        switch try await node.appArmor.choice(plan.appArmor, supervisorConfines: supervisor?.confines == true) {
        case .profile(let name): return name
        case .unconfined(let reason):
            onNote?(
                EventNote(
                    "AppArmorNotEnforced", "The container runs without an AppArmor profile: \(reason)",
                    container: plan.container, warning: true))
            return nil
        }
    }

    /// What is in the files that the container's variables come from, at this moment.
    private func envFiles(of container: Container, _ context: PodContext) async -> EnvFiles {
        guard EnvFileReader.isNeeded(by: container) else { return EnvFiles() }
        let reader = EnvFileReader(volumes: context.volumes)
        return (try? await node.pool.run { reader.files(of: container) }) ?? EnvFiles()
    }

    private func ask(
        _ request: StartContainer, of supervisor: SupervisorClient?
    ) async throws(StartFailure) -> PodProtocol.ContainerState {
        guard let supervisor else {
            throw StartFailure(
                .configuration, reason: "RunContainerError", message: "the pod's supervisor is gone", at: .now)
        }
        let result = await withCheckedContinuation { continuation in
            supervisor.start(request) { continuation.resume(returning: $0) }
        }
        switch result {
        case .success(let state): return state
        case .failure(let failure):
            // A reason of the kubelet's own says that nothing ran; without one the program could not be executed.
            let isConfiguration = failure.reason == "CreateContainerConfigError" || failure.code == .lost
            throw StartFailure(
                isConfiguration ? .configuration : .execution, reason: failure.reason ?? "RunContainerError",
                message: failure.message, at: .now)
        }
    }

    /// The host's devices as a privileged container sees them. None when /dev cannot be listed.
    private func hostDevices() -> [RuntimeDevice] {
        ((try? HostDevice.all()) ?? []).map { device in
            var result = RuntimeDevice(
                path: device.path, kind: device.isBlock ? .block : .character, major: device.major, minor: device.minor)
            (result.fileMode, result.uid, result.gid) = (device.mode, device.uid, device.gid)
            return result
        }
    }

    private static func newContainerID() -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        _ = bytes.withUnsafeMutableBytes { swl_random($0.baseAddress, $0.count) }
        return bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

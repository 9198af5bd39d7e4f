import Base
import Kube
import PodRuntime

/// What changes while the pod runs: ConfigMaps and Secrets, its metadata and its images.
extension PodSandbox {
    public func podChanged(_ pod: Pod, openPullPolicies: Set<String>) {
        self.pod = pod
        self.openPullPolicies = openPullPolicies
        context?.pod = pod
        // Volumes may show its metadata.
        objectsChanged()
    }

    public func objectsChanged() {
        objectChanges += 1
        updateVolumes()
    }

    /// Brings the volumes up to date, one writer at a time. What is being made looks by itself when it is done.
    func updateVolumes() {
        guard context != nil, updating == nil, !isTearingDown,
            pod.spec.volumes.contains(where: { $0.files != nil })
        else { return }
        updating = Task {
            var written: Int?
            while written != objectChanges, context != nil, !isTearingDown {
                written = objectChanges
                await writeVolumes()
            }
            updating = nil
        }
    }

    private func writeVolumes() async {
        do {
            let failures = try await node.pool.run {
                [pod, directory, volumes = node.volumes, facts = node.facts, objects = node.objects.current] in
                volumes.update(pod, directory, node: facts, objects: objects)
            }
            for failure in failures { onNote?(EventNote("FailedMount", "\(failure)", warning: true)) }
        } catch {
            node.log.warning("pod \(pod.fullName): its volumes are not brought up to date: \(error)")
        }
    }

    /// Says which emptyDirs have a limit that nothing keeps.
    func warnOfUnbounded() async {
        guard pod.spec.volumes.contains(where: { $0.emptyDir?.sizeLimit != nil }) else { return }
        let names = try? await node.pool.run { [pod, directory, volumes = node.volumes] in
            volumes.unboundedVolumes(pod, directory)
        }
        guard let names, !names.isEmpty else { return }
        onNote?(
            EventNote(
                "LimitsNotEnforced",
                "The sizeLimit of emptyDir \(names.joined(separator: ", ")) is not enforced: the file system of "
                    + "\(directory.path) has no project quotas (ext4 and XFS have them when they are mounted with prjquota).",
                warning: true))
    }

    /// Takes the claims that one pod at a time may have.
    ///
    /// What runs has them, whatever is said of them now.
    ///
    /// - Parameter onlyGiven: only those that the pod was given by an earlier agent.
    /// - Throws: `VolumeError` in the kubelet's words when another pod has one.
    func takeClaims(onlyGiven: Bool = false) throws(VolumeError) {
        guard pod.spec.volumes.contains(where: { $0.claim != nil }) else { return }
        let given = isAdopted || left != nil ? PodVolumes.places(directory) : [:]
        for volume in pod.spec.volumes {
            guard let name = volume.claim?.claimName else { continue }
            let runs = given[volume.name] != nil
            if onlyGiven, !runs { continue }
            let key = DataObject.Key(.claim, namespace: pod.metadata.namespace, name: name)
            guard node.objects.current[key]?.claim.map({ $0.accessModes == [.readWriteOncePod] }) ?? runs else {
                continue
            }
            if node.claimUses.take(key, for: directory.uid) || runs { continue }
            throw VolumeError(
                volume: volume.name,
                "volume uses the ReadWriteOncePod access mode and is already in use by another pod")
        }
    }

    /// What the pod's Secrets say to registries, in their order. One that is not there is told of, and done without.
    func pullCredentials() -> [String] {
        var missing: [String] = []
        var documents: [String] = []
        for name in pod.spec.imagePullSecrets {
            let key = DataObject.Key(.secret, namespace: pod.metadata.namespace, name: name)
            guard let secret = node.objects.current[key] else {
                missing.append(name)
                continue
            }
            if let document = secret.dockerConfiguration { documents.append(document) }
        }
        if !missing.isEmpty {
            let names = missing.joined(separator: ", ")
            onNote?(
                EventNote(
                    "FailedToRetrieveImagePullSecret",
                    "Unable to retrieve some image pull secrets (\(names)); attempting to pull the image may not succeed.",
                    warning: true))
        }
        return documents
    }
}

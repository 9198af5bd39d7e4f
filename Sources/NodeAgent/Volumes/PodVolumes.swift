import Base
import CLinux
import Kube
import PodRuntime

/// The folders, files, volumes and mounts of pods on the host. All functions block; each can be called again after a
/// failure or a crash in the middle and goes on from there.
public struct PodVolumes: Sendable {
    /// The folder of all pods, `/var/lib/swiftlet/pods`.
    public let pods: String
    public let journal: MountJournal

    /// - Parameter journal: the folder of the mount journal, `/run/swiftlet/mounts`.
    public init(pods: String, journal: String) {
        self.pods = pods
        self.journal = MountJournal(folder: journal)
    }

    /// Size of the tmpfs that a pod's containers share as /dev/shm, in bytes.
    static let sharedMemorySize: Int64 = 64 << 20

    // MARK: Making

    /// Makes the pod's folder with its files, shared memory and volumes.
    ///
    /// - Parameter isNew: nothing of the pod runs: what containers of an earlier sandbox, or of an earlier boot, have
    ///   left in their writable layers is removed.
    /// - Returns: where each volume lies, by its name.
    /// - Throws: `VolumeError` whose description is the text of the `FailedMount` event.
    public func prepare(
        _ pod: Pod, _ directory: PodDirectory, files: PodFiles, node: NodeFacts, objects: DataObjects = DataObjects(),
        isNew: Bool
    ) throws(VolumeError) -> [String: String] {
        do {
            if isNew { try Self.discardLayers(directory) }
            for folder in [directory.path, directory.volumes, directory.containers] {
                try Self.makeFolder(folder, mode: 0o750)
            }
            try Self.write(files.hosts, to: directory.etcHosts)
            try Self.write(files.hostname, to: directory.hostname)
            try Self.write(files.resolvConf, to: directory.resolvConf)
            if !pod.spec.hostIPC {
                // Sticky and open to all, as /dev/shm is; without setuid programs and devices.
                try mount(
                    TemporaryFileSystem(
                        size: Self.sharedMemorySize, mode: 0o1777,
                        attributes: TemporaryFileSystem.noSuid | TemporaryFileSystem.noDevices
                            | TemporaryFileSystem.noExecute),
                    at: directory.sharedMemory, of: directory)
            }
        } catch {
            throw VolumeError(error)
        }
        var places: [String: String] = [:]
        for volume in pod.spec.volumes {
            do throws(VolumeError) {
                places[volume.name] =
                    if let files = volume.files {
                        try prepare(files, volume.name, pod, directory, node, objects, isNew: isNew)
                    } else if let claim = volume.claim {
                        try prepare(claim, volume.name, pod, directory, objects, isNew: isNew)
                    } else if volume.image != nil {
                        // Mounted when a container that has it starts: the image may have to be pulled.
                        directory.image(volume.name)
                    } else {
                        try prepare(volume, pod, directory, node)
                    }
            } catch {
                var failure = error
                if failure.volume.isEmpty { failure.volume = volume.name }
                throw failure
            }
        }
        return places
    }

    private func prepare(
        _ volume: Volume, _ pod: Pod, _ directory: PodDirectory, _ node: NodeFacts
    ) throws(VolumeError) -> String {
        guard PodDirectory.isName(volume.name) else { throw VolumeError("the volume's name is no folder's name") }
        if let hostPath = volume.hostPath {
            try HostPath(source: hostPath).prepare()
            return hostPath.path
        }
        guard let emptyDir = volume.emptyDir else { throw VolumeError("no volume plugin matched") }
        let path = directory.emptyDir(volume.name)
        let group = Self.group(pod)
        // What is made in a folder of the group is the group's, too.
        let mode: mode_t = group == nil ? 0o777 : 0o2777
        do {
            switch emptyDir.medium {
            case .default:
                try makeEmptyDir(emptyDir, at: path, mode: mode, group: group)
            case .memory:
                try mount(
                    TemporaryFileSystem(
                        size: Self.memorySize(emptyDir, pod.spec, node), mode: mode, group: group), at: path,
                    of: directory)
            }
        } catch {
            throw VolumeError(error)
        }
        return path
    }

    /// Makes a volume whose files the agent writes: in memory, whatever is in it.
    private func prepare(
        _ files: ProjectedFiles, _ name: String, _ pod: Pod, _ directory: PodDirectory, _ node: NodeFacts,
        _ objects: DataObjects, isNew: Bool
    ) throws(VolumeError) -> String {
        guard PodDirectory.isName(name) else { throw VolumeError("the volume's name is no folder's name") }
        let path = directory.files(name, files.field)
        do throws(SystemError) {
            // Scripts may be run from it, as from the kubelet's.
            try mount(
                TemporaryFileSystem(
                    mode: Self.group(pod) == nil ? 0o755 : 0o2755, group: Self.group(pod),
                    attributes: TemporaryFileSystem.noSuid | TemporaryFileSystem.noDevices),
                at: path, of: directory)
        } catch {
            throw VolumeError(error)
        }
        // What runs goes on with what it was given, also with what is optional: a new agent may not know all yet.
        let isAllKnown = files.sources.compactMap(\.data).allSatisfy {
            objects[DataObject.Key($0.kind, namespace: pod.metadata.namespace, name: $0.name)] != nil
        }
        if !isNew, !isAllKnown, AtomicFolder(path: path).hasContent { return path }
        try write(files, path, pod, node, objects)
        return path
    }

    private func write(
        _ files: ProjectedFiles, _ path: String, _ pod: Pod, _ node: NodeFacts, _ objects: DataObjects
    ) throws(VolumeError) {
        var content: VolumeContent
        do throws(ContainerConfigError) {
            content = try VolumeContent(files, of: pod, node: node, objects: objects)
        } catch {
            throw VolumeError(error.message, isConfiguration: true)
        }
        let group = Self.group(pod)
        if group != nil { content.openToGroup() }
        do throws(SystemError) {
            try AtomicFolder(path: path, group: group).write(content)
        } catch { throw VolumeError(error) }
    }

    /// The group that the pod's volumes are handed to. They are so from the moment they are made, before a container can
    /// have put anything into them: nothing needs to be walked, and so nothing can be put in the walker's way.
    static func group(_ pod: Pod) -> gid_t? {
        pod.spec.securityContext.fsGroup.flatMap { gid_t(exactly: $0) }
    }

    /// Writes what ConfigMaps and Secrets hold now, and what the pod's metadata is now, to the volumes of a pod that is
    /// there. One that cannot be written stays as it is.
    ///
    /// - Returns: what could not be written; the descriptions are texts of `FailedMount` events.
    public func update(
        _ pod: Pod, _ directory: PodDirectory, node: NodeFacts, objects: DataObjects
    ) -> [VolumeError] {
        var failures: [VolumeError] = []
        for volume in pod.spec.volumes {
            guard let files = volume.files else { continue }
            do throws(VolumeError) {
                try write(files, directory.files(volume.name, files.field), pod, node, objects)
            } catch {
                failures.append(VolumeError(volume: volume.name, error.message))
            }
        }
        return failures
    }

    /// The smallest of the volume's own limit, the pod's memory limit and what the node gives to pods; nil when there
    /// is none of these.
    static func memorySize(_ emptyDir: EmptyDirVolumeSource, _ pod: PodSpec, _ node: NodeFacts) -> Int64? {
        [emptyDir.sizeLimit?.value, PodResources(pod).total.memoryLimit, node.allocatableMemory]
            .compactMap { $0 }.filter { $0 > 0 }.min()
    }

    /// Mounts a tmpfs unless it is mounted already; written down first.
    private func mount(
        _ fileSystem: TemporaryFileSystem, at path: String, of pod: PodDirectory
    ) throws(SystemError) {
        try Self.makeFolder(Path.parent(path), mode: 0o750)
        try Self.makeFolder(path, mode: 0o750)
        try journal.record(path, of: pod)
        if MountJournal.isMount(path) { return }
        try fileSystem.mount(at: path)
    }

    /// Removes the layers of all attempts. The containers' other files stay.
    private static func discardLayers(_ directory: PodDirectory) throws(SystemError) {
        guard Files.exists(directory.containers) else { return }
        for container in try Files.list(directory.containers) {
            for name in try Files.list(directory.container(container)) {
                guard let attempt = Int(name) else { continue }
                try WritableLayer.remove(directory.attempt(container, attempt))
            }
        }
    }

    /// Makes what one attempt of a container needs: its writable layer, an empty file for its termination message, and
    /// the folder of its log.
    ///
    /// The layer is a new one. A start that was taken back has the same number as the next, and its layer cannot be
    /// mounted again: it is volatile, and may hold anything after a power cut.
    ///
    /// - Returns: false when the layer is to be bounded and its file system has no project quotas.
    public func prepare(_ plan: ContainerPlan, _ directory: PodDirectory) throws(VolumeError) -> Bool {
        var isBounded = true
        guard PodDirectory.isName(plan.container) else {
            throw VolumeError("container \(plan.container): the name is no folder's name")
        }
        do {
            try Self.makeFolder(directory.container(plan.container), mode: 0o750)
            try WritableLayer.remove(plan.attemptFolder)
            try Self.makeFolder(plan.attemptFolder, mode: 0o750)
            if let limit = plan.writableLimit { isBounded = try WritableLayer.bound(plan.attemptFolder, to: limit) }
            try Self.makeFolder(plan.work, mode: 0o700)
            try Self.makeUpper(plan.upper, over: plan.layers.first)
            let message = directory.terminationLog(plan.container)
            // A new file: what an earlier attempt may still hold open is not this one's.
            try Files.remove(message)
            let file = try FileDescriptor.open(message, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o666)
            let raw = file.raw
            try retrying("fchmod", message) { fchmod(raw, 0o666) }
            try Files.makeDirectories(Path.parent(plan.logPath), mode: 0o755)
        } catch {
            throw VolumeError(error)
        }
        for mount in plan.subPaths {
            do throws(VolumeError) {
                try bind(mount, of: directory)
            } catch {
                throw VolumeError(
                    (mount.isReadOnly ? "ImageVolumeMountFailed: " : "")
                        + "failed to prepare subPath for volumeMount \"\(mount.volume)\" of container "
                        + "\"\(plan.container)\": \(error.message)", isConfiguration: !mount.isReadOnly)
            }
        }
        return isBounded
    }

    /// Binds a part of a volume to its place in the pod's folder, anew for each attempt: what the path names may have
    /// changed. What is bound is what was opened, whatever the container puts in its place meanwhile.
    private func bind(_ mount: ContainerPlan.SubPathMount, of directory: PodDirectory) throws(VolumeError) {
        let source = try SubPath(volume: mount.source, path: mount.path, isReadOnly: mount.isReadOnly).open()
        do {
            let isFolder = swl_is_dir(try source.status(name: mount.path).st_mode)
            try journal.record(mount.target, of: directory)
            try MountJournal.unmount(mount.target)
            try Files.removeTree(mount.target)
            if isFolder {
                try Self.makeFolder(mount.target, mode: 0o750)
            } else {
                try Self.makeFolder(Path.parent(mount.target), mode: 0o750)
                _ = try FileDescriptor.open(mount.target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o640).raw
            }
            let (raw, clone, emptyPath): (Int32, UInt32, UInt32) = (source.raw, 1, 0x1000)
            let tree = FileDescriptor(
                adopting: try retrying("open_tree", mount.path) { swl_open_tree(raw, "", clone | emptyPath) })
            try TemporaryFileSystem.attach(tree, at: mount.target)
        } catch {
            throw VolumeError(error)
        }
    }

    /// The writable layer's folder is the container's root folder: its owner and mode are the image's.
    private static func makeUpper(_ path: String, over layer: String?) throws(SystemError) {
        var (mode, owner, group): (mode_t, uid_t, gid_t) = (0o755, 0, 0)
        if let layer {
            let status = try FileDescriptor.open(layer, O_PATH | O_DIRECTORY).status(name: layer)
            (mode, owner, group) = (status.st_mode & 0o7777, status.st_uid, status.st_gid)
        }
        try makeFolder(path, mode: mode)
        if owner == 0 && group == 0 { return }
        try retrying("chown", path) { lchown(path, owner, group) }
        // chown takes the set-id bits away.
        try makeFolder(path, mode: mode)
    }

    /// Makes a folder and its missing parents; it has this mode whatever the umask, also when it was there. A folder
    /// that something is mounted on is left as it is.
    static func makeFolder(_ path: String, mode: mode_t, group: gid_t? = nil) throws(SystemError) {
        try Files.makeDirectories(Path.parent(path), mode: 0o750)
        if mkdir(path, mode) != 0 {
            let error = Errno.current
            if error != .exists { throw SystemError("mkdir", path, error) }
            if MountJournal.isMount(path) { return }
        }
        let folder = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let raw = folder.raw
        if let group { try retrying("fchown", path) { fchown(raw, uid_t.max, group) } }
        try retrying("fchmod", path) { fchmod(raw, mode) }
    }

    /// Writes a file of the pod's containers, unless it says that already: running containers have this very file
    /// mounted and may read it at any moment.
    private static func write(_ text: String, to path: String) throws(SystemError) {
        if let old = try? Files.read(path), old.elementsEqual(text.utf8) { return }
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
        let raw = file.raw
        try retrying("fchmod", path) { fchmod(raw, 0o644) }
        try file.writeAll(text.utf8, name: path)
    }

    // MARK: Reading

    /// The termination message that a container left: the last 4096 bytes of its file; nil for an empty one.
    public func terminationMessage(_ container: String, _ directory: PodDirectory) -> String? {
        guard let file = try? FileDescriptor.open(directory.terminationLog(container), O_RDONLY | O_NOFOLLOW),
            let size = try? file.status().st_size
        else { return nil }
        _ = lseek(file.raw, max(0, size - 4096), SEEK_SET)
        var bytes = [UInt8](repeating: 0, count: 4096)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    // MARK: Releasing

    /// Unmounts what was mounted of a pod. Its files stay.
    public func unmount(_ directory: PodDirectory) throws(VolumeError) {
        do { try journal.unmountAll(of: directory) } catch { throw VolumeError(error) }
    }

    /// Removes the writable layer of an attempt that has ended.
    public func removeAttempt(_ container: String, _ attempt: Int, _ directory: PodDirectory) throws(VolumeError) {
        do { try WritableLayer.remove(directory.attempt(container, attempt)) } catch { throw VolumeError(error) }
    }

    /// Unmounts what was mounted of a pod and removes its folder. What lies behind a mount that is not ours is never
    /// touched: the removal fails instead.
    public func remove(_ directory: PodDirectory) throws(VolumeError) {
        try unmount(directory)
        // With their quotas; what stays of them goes below.
        try? Self.discardLayers(directory)
        try? discardEmptyDirs(directory)
        do { try Files.removeTree(directory.path) } catch { throw VolumeError(error) }
    }

    /// Releases what was left behind by pods that are not `known`, and says what could not be released.
    public func sweep(known: Set<String>) -> [VolumeError] {
        var failures: [VolumeError] = []
        var names: Set<String> = []
        do throws(SystemError) {
            names.formUnion(try journal.pods())
            if Files.exists(pods) { names.formUnion(try Files.list(pods)) }
        } catch {
            failures.append(VolumeError(error))
        }
        for name in names.subtracting(known).sorted() {
            guard let directory = PodDirectory(root: pods, uid: name) else { continue }
            do throws(VolumeError) { try remove(directory) } catch { failures.append(error) }
        }
        return failures
    }
}

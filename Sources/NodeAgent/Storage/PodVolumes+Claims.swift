import Base
import CLinux
import JSON
import Kube
import PodRuntime

/// Volumes that pods claim.
extension PodVolumes {
    /// Where the volume of a claim lies, made ready.
    ///
    /// - Parameter isNew: nothing of the pod runs. What runs goes on with what it was given, whatever is said of the
    ///   claim now.
    func prepare(
        _ source: ClaimVolumeSource, _ name: String, _ pod: Pod, _ directory: PodDirectory, _ objects: DataObjects,
        isNew: Bool
    ) throws(VolumeError) -> String {
        if !isNew, let place = Self.places(directory)[name] { return place }
        let (volume, found) = try Self.volume(of: source, pod.metadata.namespace, objects)
        let place: String
        switch found.source {
        case .hostPath(let host):
            try HostPath(source: host).prepare()
            place = host.path
        case .local(let path):
            try Self.checkLocal(path, volume)
            place = path
            if !source.readOnly, let group = Self.group(pod) {
                let policy = pod.spec.securityContext.fsGroupChangePolicy
                do throws(SystemError) {
                    try VolumeOwner(group: group, onlyOnRootMismatch: policy == .onRootMismatch).apply(to: path)
                } catch {
                    throw VolumeError("applyFSGroup failed for vol \(volume): \(error)")
                }
            }
        }
        var places = Self.places(directory)
        places[name] = place
        do throws(SystemError) { try Self.write(places, directory) } catch { throw VolumeError(error) }
        return place
    }

    /// The volume that a claim is bound to.
    ///
    /// - Throws: `VolumeError` when there is none, with why.
    static func volume(
        of source: ClaimVolumeSource, _ namespace: String, _ objects: DataObjects
    ) throws(VolumeError) -> (name: String, volume: PersistentVolume) {
        let key = DataObject.Key(.claim, namespace: namespace, name: source.claimName)
        guard let claim = objects[key]?.claim else {
            throw VolumeError("\(key.kind.word) \"\(key.name)\" not found", isConfiguration: true)
        }
        func refused(_ why: String) -> VolumeError {
            VolumeError("error processing PVC \(namespace)/\(key.name): \(why)", isConfiguration: true)
        }
        if claim.phase == .lost {
            throw refused(
                "PVC is not bound: it has lost its persistentvolume \"\(claim.volumeName)\", which is not there")
        }
        let volume = DataObject.Key(.volume, namespace: "", name: claim.volumeName)
        guard claim.phase == .bound, let found = objects[volume]?.volume else {
            throw refused("PVC is not bound" + (claim.message.isEmpty ? "" : ": " + claim.message))
        }
        // It may have been changed since.
        return (volume.name, found)
    }

    /// A folder of the host, through links as the kubelet takes it: its path is the operator's.
    private static func checkLocal(_ path: String, _ volume: String) throws(VolumeError) {
        var error = VolumeError(volume: volume, "path \"\(path)\" does not exist")
        error.attempt = "MountVolume.NewMounter initialization failed"
        guard path.hasPrefix("/"), !Path.components(path).contains("..") else {
            error.message = "path \"\(path)\" is not an absolute path without \"..\""
            throw error
        }
        var status = stat()
        if fstatat(AT_FDCWD, path, &status, 0) != 0 {
            let errno = Errno.current
            if errno != .noEntry { error.message = "\(SystemError("stat", path, errno))" }
            throw error
        }
        guard swl_is_dir(status.st_mode) else {
            error.message = "path \"\(path)\" is not a directory; only directories are supported"
            throw error
        }
    }

    // MARK: On record

    /// What the pod was given, by volume.
    static func places(_ directory: PodDirectory) -> [String: String] {
        guard let bytes = try? Files.read(directory.claims) else { return [:] }
        return (try? JSONParser.parse(bytes))?.stringMap ?? [:]
    }

    private static func write(_ places: [String: String], _ directory: PodDirectory) throws(SystemError) {
        let members = places.sorted { $0.key < $1.key }.map {
            JSONObject.Member(key: $0.key, value: .string($0.value))
        }
        let bytes = JSONWriter().bytes(.object(JSONObject(members)))
        if let old = try? Files.read(directory.claims), old == bytes { return }
        try Files.replace(directory.claims, with: bytes, mode: 0o600, durable: false)
    }
}

extension JSONValue {
    fileprivate var stringMap: [String: String] {
        var map: [String: String] = [:]
        for member in objectValue?.members ?? [] { map[member.key] = member.value.stringValue }
        return map
    }
}

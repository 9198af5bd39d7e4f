import Base
import CLinux
import JSON
import Linux
import PodRuntime

/// An image whose files a volume shows.
public struct VolumeImage: Hashable, Sendable {
    public var id: String
    /// Folders of its layers, the topmost first: they stay as long as the volume does, also when the image is removed
    /// meanwhile.
    public var layers: [String]

    public init(id: String, layers: [String]) {
        self.id = id
        self.layers = layers
    }
}

/// Volumes that show the files of images.
extension PodVolumes {
    /// Mounts an image's layers at the volume's place, in place of what may be there.
    ///
    /// It is an overlay of one layer, too: a mount that shows the layer itself could be made writable by a container
    /// that may mount, and the layer's marks of removed files would be devices in it.
    func mount(_ image: VolumeImage, volume: String, of directory: PodDirectory) throws(VolumeError) {
        guard PodDirectory.isName(volume) else {
            throw VolumeError(volume: volume, "the volume's name is no folder's name")
        }
        let path = directory.image(volume)
        do throws(SystemError) {
            try MountJournal.unmount(path)
            try Self.makeFolder(path, mode: 0o755)
            let note: JSONValue = ["id": .string(image.id), "layers": .strings(image.layers)]
            try Files.replace(Self.note(path), with: JSONWriter().bytes(note), mode: 0o600, durable: false)
            try journal.record(path, of: directory)
            let target = try FileDescriptor.open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW)
            // The folder that it is mounted on is the lowest, an empty one: an overlay is of two at least.
            let folders = image.layers + [path]
            do throws(SystemError) {
                try MountTree.layers(folders, attributes: [.readOnly, .noSetUserID, .noDevices, .noExecute])
                    .attach(to: target, name: path)
            } catch {
                guard error.errno == .invalid else { throw error }
                try MountTree.mountLayersClassically(folders, on: target, name: path)
            }
        } catch {
            throw VolumeError(volume: volume, error)
        }
    }

    /// The images that are mounted for a pod, by volume.
    func mountedImages(_ directory: PodDirectory) -> [String: VolumeImage] {
        var images: [String: VolumeImage] = [:]
        for name in (try? Files.list(directory.images)) ?? [] where name.hasSuffix(Self.noteSuffix) {
            let volume = String(name.dropLast(Self.noteSuffix.count))
            guard MountJournal.isMount(directory.image(volume)),
                let bytes = try? Files.read(Self.note(directory.image(volume))),
                let note = try? JSONParser.parse(bytes), let id = note["id"]?.stringValue,
                let layers = note["layers"]?.stringsValue
            else { continue }
            images[volume] = VolumeImage(id: id, layers: layers)
        }
        return images
    }

    /// The layers of all images that are mounted for pods.
    public func imageLayers() -> Set<String> {
        var layers: Set<String> = []
        for uid in (try? Files.list(pods)) ?? [] {
            guard let directory = PodDirectory(root: pods, uid: uid) else { continue }
            for image in mountedImages(directory).values { layers.formUnion(image.layers) }
        }
        return layers
    }

    /// What is mounted, for the next agent. No volume's name has a dot.
    private static let noteSuffix = ".json"
    private static func note(_ path: String) -> String { path + noteSuffix }
}

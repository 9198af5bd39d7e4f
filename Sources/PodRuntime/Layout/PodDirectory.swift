import Base
import Kube

/// The paths of one pod below `/var/lib/swiftlet/pods/<uid>`. Pure: nothing here touches the disk.
public struct PodDirectory: Hashable, Sendable {
    /// The pod's own folder.
    public let path: String
    public let uid: String

    /// - Parameters:
    ///   - root: the folder of all pods.
    ///   - uid: the pod's UID, from whoever wrote the manifest.
    /// - Returns: nil when the UID cannot be the name of a folder.
    public init?(root: String, uid: String) {
        guard Self.isName(uid) else { return nil }
        self.uid = uid
        path = Path.join(root, uid)
    }

    /// Whether a text can name a file without leaving the folder it is in, and stand in a line of the mount journal.
    public static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        return !bytes.isEmpty && bytes.count <= 255 && text != "." && text != ".."
            && bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
    }

    public var etcHosts: String { path + "/etc-hosts" }
    public var hostname: String { path + "/hostname" }
    public var resolvConf: String { path + "/resolv.conf" }
    /// The tmpfs that the pod's containers share as /dev/shm.
    public var sharedMemory: String { path + "/shm" }
    public var volumes: String { path + "/volumes" }
    /// Where the sources of subPath mounts are bound.
    public var subPaths: String { path + "/volume-subpaths" }
    public var containers: String { path + "/containers" }

    public func emptyDir(_ volume: String) -> String { volumes + "/kubernetes.io~empty-dir/" + volume }

    /// Where the volumes of claims lie, as the pod was given them.
    public var claims: String { path + "/claims.json" }
    /// Where volumes show the files of images.
    public var images: String { volumes + "/kubernetes.io~image" }
    public func image(_ volume: String) -> String { "\(images)/\(volume)" }

    /// A volume whose files the agent writes.
    public func files(_ volume: String, _ field: ProjectedFiles.Field) -> String {
        let plugin =
            switch field {
            case .configMap: "configmap"
            case .downwardAPI: "downward-api"
            case .projected: "projected"
            case .secret: "secret"
            }
        return "\(volumes)/kubernetes.io~\(plugin)/\(volume)"
    }

    /// The bind mount of the `index`th volume mount of a container, when that has a subPath.
    public func subPath(volume: String, container: String, index: Int) -> String {
        "\(subPaths)/\(volume)/\(container)/\(index)"
    }

    public func container(_ name: String) -> String { containers + "/" + name }
    public func terminationLog(_ container: String) -> String { self.container(container) + "/termination-log" }

    /// The folder of one instance of a container, which holds its overlay's `upper` and `work`.
    public func attempt(_ container: String, _ attempt: Int) -> String { "\(self.container(container))/\(attempt)" }
}

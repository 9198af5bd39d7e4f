import Base
import CLinux
import HTTP
import JSON
import PodSources
import YAML

/// The manifest folder, as commands change it.
struct ManifestStore {
    private struct File {
        var path: String
        var items: [ManifestItem]
    }

    let folder: String
    private var files: [File] = []
    /// Files with a mistake in them: what they hold is not known.
    private var unreadable: Set<String> = []

    /// - Parameter agent: nil when it does not answer; then its configuration file says where manifests are.
    init(_ tool: Tool, _ agent: AgentClient?) throws(CLIError) {
        folder = try Self.folder(tool, agent)
        let names: [String]
        do throws(SystemError) { names = try Files.list(folder).filter(ManifestFolder.isManifestName) } catch {
            throw Self.failed("cannot list the manifests in \(folder)", error)
        }
        for name in names {
            let path = Path.join(folder, name)
            guard let bytes = try? Files.read(path, limit: 10 << 20),
                let contents = try? ManifestReader.read(bytes, path: path)
            else {
                unreadable.insert(path)
                continue
            }
            files.append(File(path: path, items: contents.items))
        }
    }

    static func failed(_ attempt: String, _ error: SystemError) -> CLIError {
        switch error.errno {
        case .accessDenied, .notPermitted:
            .failed("\(attempt): only root may; run this command as root, with sudo for example")
        default: .failed("\(attempt): \(error.errno)")
        }
    }

    private static func folder(_ tool: Tool, _ agent: AgentClient?) throws(CLIError) -> String {
        if let agent {
            let status = try agent.json("GET", RequestTarget(path: ["swiftlet", "v1", "status"]))
            if let folder = status["manifestFolder"]?.stringValue { return folder }
        }
        let file = tool.root + "/etc/swiftlet/config.yaml"
        let configured = (try? Files.read(file, limit: 1 << 20)).flatMap { try? YAML.documents($0) }?
            .first?["staticPodPath"]?.stringValue
        return tool.root + (configured ?? "/etc/podspecs")
    }

    /// The manifest; nil when there is none.
    func manifest(_ key: ManifestItem.Key) -> ManifestItem? { file(key)?.items.first { $0.key == key } }

    /// All of all manifests.
    var items: [ManifestItem] { files.flatMap(\.items) }

    private func file(_ key: ManifestItem.Key) -> File? { files.first { $0.items.contains { $0.key == key } } }

    // MARK: Writing

    enum Change: String {
        case created
        case configured
        case unchanged
    }

    /// What writing it would do.
    func change(_ item: ManifestItem) -> Change {
        guard let old = manifest(item.key) else { return .created }
        return old.value == item.value ? .unchanged : .configured
    }

    /// Where the manifest is, or is to be: a file holds one object.
    ///
    /// - Throws: `CLIError` when it stands in a file with others.
    func place(_ key: ManifestItem.Key) throws(CLIError) -> String {
        if let file = file(key) {
            guard file.items.count == 1 else { throw shared(key, file) }
            return file.path
        }
        let (namespace, name) = (key.key.namespace, key.key.name)
        // No pod's name has an underscore.
        let own = key.kind == .pod ? name : "\(name)_\(key.kind.word)"
        let names = [
            namespace == "default" || namespace.isEmpty ? own : "\(namespace)_\(own)",
            "\(key.kind.word)-\(namespace)-\(name)",
        ]
        for name in names {
            let path = Path.join(folder, name + ".yaml")
            if !files.contains(where: { $0.path == path }) { return path }
        }
        throw .failed("\(Path.join(folder, names[0] + ".yaml")) holds other objects; rename that file")
    }

    private func shared(_ key: ManifestItem.Key, _ file: File) -> CLIError {
        let others = file.items.map(\.key).filter { $0 != key }
            .map { $0.kind == key.kind ? "\($0.key)" : "\($0)" }.joined(separator: ", ")
        return .failed(
            "\(key) stands in \(file.path) together with \(others); change that file, or give each a file of its own")
    }

    /// Writes a manifest so that the agent sees the old one or the new one.
    ///
    /// - Returns: where what had stood there was put, when that could not be read as a manifest: it may be the only
    ///   copy of somebody's work.
    func write(_ item: ManifestItem, text: [UInt8]?) throws(CLIError) -> String? {
        let path = try place(item.key)
        let kept = unreadable.contains(path) ? path + "~" : nil
        do throws(SystemError) {
            if let kept {
                try Files.replace(kept, with: try Files.read(path, limit: 10 << 20), mode: 0o600, durable: true)
            }
            // Environments hold passwords: for root's eyes only.
            try Files.replace(path, with: text ?? Array(YAMLWriter.text(item.value).utf8), mode: 0o600, durable: true)
        } catch {
            throw Self.failed("cannot write \(path)", error)
        }
        return kept
    }

    /// The files to remove so that `keys` go.
    ///
    /// - Throws: `CLIError` when one stands in a file with others that stay.
    func files(of keys: Set<ManifestItem.Key>) throws(CLIError) -> [String] {
        var paths: [String] = []
        for file in files where file.items.contains(where: { keys.contains($0.key) }) {
            if file.items.contains(where: { !keys.contains($0.key) }),
                let goes = file.items.first(where: { keys.contains($0.key) })
            {
                throw shared(goes.key, file)
            }
            paths.append(file.path)
        }
        return paths
    }

    static func remove(_ path: String) throws(CLIError) {
        do throws(SystemError) {
            try Files.remove(path)
            try Files.syncDirectory(of: path)
        } catch {
            throw failed("cannot remove \(path)", error)
        }
    }
}

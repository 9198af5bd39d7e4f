import Base
import CLinux
import JSON
import PodSources

/// The manifests that a command is given with `-f`: files, folders and standard input.
struct ManifestInput {
    static let option = Option("filename", "f", value: "FILE|DIR|-", "manifests; may be given several times")

    /// What messages call it: the path, or `<stdin>`.
    var name: String
    var bytes: [UInt8]
    var pods: [ManifestPod]

    /// Reads all of them and decodes them as the agent does.
    ///
    /// - Throws: `CLIError` with everything that is wrong in any of them.
    static func read(_ files: [String], namespace: String?) throws(CLIError) -> [ManifestInput] {
        var inputs: [ManifestInput] = []
        var problems: [String] = []
        var owners: [PodKey: String] = [:]
        for file in try paths(files) {
            let name = file == "-" ? "<stdin>" : file
            let bytes = try bytes(file)
            do throws(ManifestRefusal) {
                var input = ManifestInput(name: name, bytes: bytes, pods: try ManifestReader.read(bytes, path: name))
                if let namespace { try input.move(to: namespace) }
                for pod in input.pods {
                    if let other = owners.updateValue(name, forKey: pod.key) {
                        problems.append("\(name): pod \(pod.key) is also named by \(other); rename or remove one")
                    }
                }
                inputs.append(input)
            } catch {
                problems += error.problems.map(\.description)
            }
        }
        if !problems.isEmpty { throw .failed(problems.joined(separator: "\n")) }
        return inputs
    }

    /// Puts pods that name no namespace into one.
    private mutating func move(to namespace: String) throws(ManifestRefusal) {
        for (n, pod) in pods.enumerated() {
            if let own = pod.value["metadata"]?["namespace"]?.stringValue {
                guard own != namespace else { continue }
                throw ManifestRefusal([
                    ManifestProblem(
                        path: name, position: pod.value.position,
                        message: "pod \(pod.key) is not of the namespace \"\(namespace)\" that -n names")
                ])
            }
            guard var object = pod.value.objectValue, var metadata = object["metadata"]?.objectValue else { continue }
            metadata["namespace"] = .string(namespace)
            object["metadata"] = .object(metadata)
            let moved = JSONValue(.object(object), at: pod.value.position)
            do { pods[n] = try ManifestReader.read(moved) } catch {
                throw ManifestRefusal(path: name, "\(error)")
            }
        }
    }

    // MARK: Files

    /// The files that are meant: of a folder those that the agent would read.
    static func paths(_ files: [String]) throws(CLIError) -> [String] {
        var paths: [String] = []
        for file in files {
            guard file != "-", Files.isDirectory(file) else {
                paths.append(file)
                continue
            }
            let names: [String]
            do throws(SystemError) { names = try Files.list(file).filter(ManifestFolder.isManifestName) } catch {
                throw .failed("\(file): \(error.errno)")
            }
            if names.isEmpty { throw .failed("\(file): no manifests (*.yaml, *.yml, *.json)") }
            paths += names.map { Path.join(file, $0) }
        }
        return paths
    }

    static func bytes(_ file: String) throws(CLIError) -> [UInt8] {
        do throws(SystemError) {
            guard file == "-" else { return try Files.read(file, limit: 16 << 20) }
            let raw = try retrying("duplicate", "standard input") { swl_fcntl(0, F_DUPFD_CLOEXEC, 3) }
            let input = FileDescriptor(adopting: raw)
            return try input.readAll(limit: 16 << 20, name: "standard input")
        } catch {
            throw .failed("\(file): \(error.errno)")
        }
    }
}

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
    var items: [ManifestItem]
    var pods: [ManifestPod] { items.compactMap(\.pod) }

    /// Reads all of them and decodes them as the agent does.
    ///
    /// - Throws: `CLIError` with everything that is wrong in any of them.
    static func read(_ files: [String], namespace: String?) throws(CLIError) -> [ManifestInput] {
        var inputs: [ManifestInput] = []
        var problems: [String] = []
        var owners: [ManifestItem.Key: String] = [:]
        for file in try paths(files) {
            let name = file == "-" ? "<stdin>" : file
            let bytes = try bytes(file)
            do throws(ManifestRefusal) {
                var input = ManifestInput(
                    name: name, bytes: bytes, items: try ManifestReader.read(bytes, path: name).items)
                if let namespace { try input.move(to: namespace) }
                for item in input.items {
                    if let other = owners.updateValue(name, forKey: item.key) {
                        problems.append("\(name): \(item.key) is also named by \(other); rename or remove one")
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

    /// Puts what names no namespace into one.
    private mutating func move(to namespace: String) throws(ManifestRefusal) {
        for (n, item) in items.enumerated() where item.key.kind.isNamespaced {
            if let own = item.value["metadata"]?["namespace"]?.stringValue {
                guard own != namespace else { continue }
                throw ManifestRefusal([
                    ManifestProblem(
                        path: name, position: item.value.position,
                        message: "\(item.key) is not of the namespace \"\(namespace)\" that -n names")
                ])
            }
            guard var object = item.value.objectValue, var metadata = object["metadata"]?.objectValue else { continue }
            metadata["namespace"] = .string(namespace)
            object["metadata"] = .object(metadata)
            let moved = JSONValue(.object(object), at: item.value.position)
            do { items[n] = try item.reading(moved) } catch {
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

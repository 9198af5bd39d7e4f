import Base
import CNITypes
import JSON

/// The folder of network configurations, `/etc/cni/net.d`. Of its files the first valid one, in the order of their
/// names, is the network of the pods.
public struct NetworkFolder: Sendable, Hashable {
    /// What the folder says.
    public enum Outcome: Sendable, Hashable {
        /// There is no configuration.
        case none
        /// The network, the file it stands in, and files before it that are not usable.
        case network(NetworkList, file: String, problems: [String])
        /// There are configurations and none is usable.
        case unusable([String])
    }

    public let path: String

    public init(_ path: String) { self.path = path }

    /// Reads the folder; blocks.
    ///
    /// - Throws: `SystemError` when there is one that cannot be listed.
    public func read() throws(SystemError) -> Outcome {
        var problems: [String] = []
        for file in try files() {
            do {
                return .network(try load(file), file: file, problems: problems)
            } catch {
                problems.append("\(file): \(error)")
            }
        }
        return problems.isEmpty ? .none : .unusable(problems)
    }

    /// The network of this name; nil when no usable file names it. Blocks.
    ///
    /// - Throws: `SystemError` when the folder cannot be listed.
    public func network(named name: String) throws(SystemError) -> NetworkList? {
        for file in try files() {
            if let list = try? load(file), list.name == name { return list }
        }
        return nil
    }

    /// Files of configurations in the order of their names.
    private func files() throws(SystemError) -> [String] {
        let names: [String]
        do { names = try Files.list(path) } catch {
            if error.errno == .noEntry { return [] }
            throw error
        }
        // A folder of drop-ins may have such a name.
        return names.filter { name in [".conf", ".conflist", ".json"].contains { name.hasSuffix($0) } }
            .map { Path.join(path, $0) }.filter { !Files.isDirectory($0) }
    }

    private func load(_ file: String) throws -> NetworkList {
        let list = try NetworkList(try Self.parse(file))
        guard list.takesDropIns else { return list }
        let folder = Path.join(path, list.name)
        guard Files.isDirectory(folder) else { return try list.appending([]) }
        var dropIns: [JSONValue] = []
        for name in try Files.list(folder) where name.hasSuffix(".conf") {
            dropIns.append(try Self.parse(Path.join(folder, name)))
        }
        return try list.appending(dropIns)
    }

    private static func parse(_ file: String) throws -> JSONValue {
        try JSONParser.parse(
            try Files.read(file, limit: NetworkConfiguration.limits.bytes), limits: NetworkConfiguration.limits)
    }
}

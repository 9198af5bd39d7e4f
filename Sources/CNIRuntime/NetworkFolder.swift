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
        let names: [String]
        do { names = try Files.list(path) } catch {
            if error.errno == .noEntry { return .none }
            throw error
        }
        var problems: [String] = []
        for name in names where [".conf", ".conflist", ".json"].contains(where: { name.hasSuffix($0) }) {
            let file = Path.join(path, name)
            // A folder of drop-ins may have such a name.
            if Files.isDirectory(file) { continue }
            do {
                return .network(try load(file), file: file, problems: problems)
            } catch {
                problems.append("\(file): \(error)")
            }
        }
        return problems.isEmpty ? .none : .unusable(problems)
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

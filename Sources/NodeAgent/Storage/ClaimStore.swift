import Base
import JSON
import Kube

/// Which claim has which volume, kept over restarts of the agent and of the machine: a claim must not find other data
/// because another volume has come meanwhile.
struct ClaimStore {
    private static let schema: Int64 = 1

    private let path: String?

    /// - Parameter path: nil for what lasts as long as the agent.
    init(path: String?) { self.path = path }

    /// - Throws: `JSONError` or `SystemError` when there is a file that cannot be used: nothing may be bound then.
    func read() throws -> [DataObject.Key: String] {
        guard let path, Files.exists(path) else { return [:] }
        let value = try JSONParser.parse(try Files.read(path, limit: 16 << 20))
        let schema = try value.requiredInteger("schema")
        guard schema <= Self.schema else {
            throw JSONError("schema \(schema) is newer than \(Self.schema), which this version reads", at: .none)
        }
        var bindings: [DataObject.Key: String] = [:]
        for entry in try value.required("claims", "a list", { $0.arrayValue }) {
            let key = DataObject.Key(
                .claim, namespace: try entry.requiredString("namespace"), name: try entry.requiredString("name"))
            bindings[key] = try entry.requiredString("volume")
        }
        return bindings
    }

    /// Durable when it returns.
    func write(_ bindings: [DataObject.Key: String]) throws(SystemError) {
        guard let path else { return }
        let entries = bindings.sorted { $0.key < $1.key }.map { key, volume -> JSONValue in
            ["namespace": .string(key.namespace), "name": .string(key.name), "volume": .string(volume)]
        }
        let document: JSONValue = ["schema": .integer(Self.schema), "claims": .array(entries)]
        try Files.replace(path, with: JSONWriter().bytes(document), durable: true)
    }
}

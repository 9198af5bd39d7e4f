import Base
import CNITypes
import Linux

/// What ADD, DEL and CHECK are given.
public struct AttachmentRequest: Sendable {
    public var environment: PluginEnvironment
    public var configuration: NetworkConfiguration

    /// What the whole ADD has made, which CHECK is given.
    ///
    /// - Throws: `CNIError` 7 when it is missing, 6 when it is no result.
    func requiredResult() throws(CNIError) -> CNIResult {
        if let result = try configuration.readPreviousResult() { return result }
        throw CNIError(
            .invalidConfiguration, "CHECK of network \(configuration.name) needs prevResult, the result of ADD")
    }

    /// What the plugins before this one have made, for one that makes no interface itself.
    ///
    /// - Throws: `CNIError` 7 when there is none, 6 when it is no result.
    func chainedResult(_ plugin: String) throws(CNIError) -> CNIResult {
        if let result = try configuration.readPreviousResult() { return result }
        throw CNIError(
            .invalidConfiguration, "\(plugin) of network \(configuration.name) has no prevResult",
            details: "it stands in a chain, behind the plugin that gives the container its address")
    }

    /// The container's interface in a result, and its addresses.
    ///
    /// - Throws: `CNIError` 7 when the result has none.
    func interface(
        in result: CNIResult
    ) throws(CNIError) -> (interface: CNIResult.Interface, ips: [CNIResult.IP]) {
        let (name, sandbox) = (environment.interfaceName, environment.namespacePath)
        guard let index = result.interfaces.firstIndex(where: { $0.name == name && $0.sandbox == sandbox }) else {
            throw CNIError(.invalidConfiguration, "prevResult has no interface \(name) in \(sandbox)")
        }
        return (result.interfaces[index], result.ips.filter { $0.interface == index })
    }

    /// The container's network namespace; nil when it is gone.
    ///
    /// - Throws: `CNIError` 8 for what is no network namespace or is the plugin's own (a plugin called with the host's
    ///   would change the host's interfaces).
    func openNamespace() throws(CNIError) -> ContainerNamespace? {
        let path = environment.namespacePath
        let home = try Self.current()
        guard let namespace = try Self.open(path) else { return nil }
        guard environment.allowsOwnNamespace || !namespace.isSame(as: home) else {
            throw CNIError(
                .invalidNamespace, "CNI_NETNS \(path) is the network namespace of the plugin itself",
                details: "give the container's; CNI_NETNS_OVERRIDE=1 allows it")
        }
        return ContainerNamespace(namespace: namespace, home: home)
    }

    /// The same, where it must be there.
    func openRequiredNamespace() throws(CNIError) -> ContainerNamespace {
        guard let namespace = try openNamespace() else { throw missing() }
        return namespace
    }

    /// Runs `body` in the container's network namespace and comes back.
    ///
    /// - Returns: nil when the namespace is gone.
    /// - Throws: what `openNamespace` and `body` throw.
    func inNamespace<T>(_ body: () throws(CNIError) -> T) throws(CNIError) -> T? {
        guard let namespace = try openNamespace() else { return nil }
        return try namespace.run(body)
    }

    /// The same, where the namespace must be there.
    func inRequiredNamespace<T>(_ body: () throws(CNIError) -> T) throws(CNIError) -> T {
        guard let value = try inNamespace(body) else { throw missing() }
        return value
    }

    private func missing() -> CNIError {
        CNIError(
            .invalidNamespace, "CNI_NETNS \(environment.namespacePath) is not there",
            details: "the runtime makes the network namespace before it calls the plugin")
    }

    private static func current() throws(CNIError) -> NetworkNamespace {
        do {
            return try NetworkNamespace.current()
        } catch {
            throw CNIError(.internalFailure, "cannot open the plugin's own network namespace", details: "\(error)")
        }
    }

    /// False when the container's network namespace is gone for sure.
    var mayHaveNamespace: Bool {
        guard !environment.namespacePath.isEmpty else { return false }
        do {
            return try Self.open(environment.namespacePath) != nil
        } catch {
            return true
        }
    }

    /// Nil when it is gone.
    private static func open(_ path: String) throws(CNIError) -> NetworkNamespace? {
        do {
            return try NetworkNamespace(path: path)
        } catch {
            if [.noEntry, .notDirectory, .noProcess].contains(error.errno) { return nil }
            throw CNIError(.invalidNamespace, "CNI_NETNS \(path) cannot be used", details: "\(error)")
        }
    }
}

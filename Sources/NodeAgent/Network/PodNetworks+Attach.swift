import Base
import CNIRuntime
import CNITypes
import JSON
import Kube
import Linux
import Netlink
import PodRuntime

/// Attaching pods, and undoing it.
extension PodNetworks {
    /// Connects the pod's namespace to the network that the configuration names now, and to those that it asks for
    /// besides, one after the other.
    ///
    /// - Parameters:
    ///   - cgroup: the pod's, below the mount point.
    ///   - resolver: reads what the pod's resolv.conf is to be.
    /// - Returns: what they gave; at least one address.
    /// - Throws: `NetworkFailure` or `SystemError`; nothing of the attachments is then left, or, where a plugin cannot
    ///   undo its part, they are still on record and released by the next try.
    public func connect(
        _ pod: Pod, cgroup: String? = nil, resolver: @escaping () -> ResolverConfiguration? = { nil }
    ) async throws -> PodConnection {
        try hostPorts.claim(pod)
        await beginChange(of: pod.metadata.uid)
        defer { endChange(of: pod.metadata.uid) }
        let request = PodRequest(pod, cgroup: cgroup, resolver: resolver)
        do {
            return try await gate.pass(exclusively: false) { try await attach(pod, request) }
        } catch {
            hostPorts.release(pod.metadata.uid)
            choice.attachmentFailed()
            throw error
        }
    }

    private func attach(_ pod: Pod, _ request: PodRequest) async throws -> PodConnection {
        let uid = pod.metadata.uid
        // Of an earlier try that could not be undone.
        try await delete(try await pool.run { [store] in try store.load(uid) })
        let list = try await defaultNetwork(request)
        // Looked for before anything is made.
        let others = try await furtherNetworks(request)
        var done: [Attachment] = []
        do {
            let capabilities = request.capabilityArguments(list)
            for (selection, list) in [(nil, list)] + others {
                var attachment = Attachment(
                    containerID: uid, interfaceName: selection?.interface ?? Self.interface,
                    namespacePath: namespacePath(uid), network: list, arguments: request.arguments,
                    capabilityArguments: selection?.capabilities ?? capabilities)
                attachment.reference = selection.map { "\($0.namespace ?? request.namespace)/\($0.name)" }
                done.append(attachment)
                try await pool.run { [store, builtIn, done] in
                    try builtIn.prepare(for: done[done.count - 1].network)
                    try store.save(done, of: uid)
                }
                keepRules(of: attachment)
                done[done.count - 1].result = try await add(attachment)
                // The next one's beginning, or the end, writes it down.
            }
            guard try !done[0].addresses().isEmpty else {
                throw NetworkFailure("network \(list.name) gave the pod no address; its last plugin must report one")
            }
            let (path, gateways) = (namespacePath(uid), others.compactMap(\.0).first { !$0.gateways.isEmpty })
            try await pool.run { [store, cache, log, done] in
                if let gateways { try DefaultRoutes.replace(inNamespace: path, by: gateways) }
                try store.save(done, of: uid)
                // For others: nothing of ours depends on it.
                do { for attachment in done { try cache.save(attachment) } } catch {
                    log.warning("other programs do not see the pod's networks: \(error)")
                }
            }
            var connection = try PodConnection(done)
            connection.notes = notes(request, list)
            return connection
        } catch {
            do {
                try await delete(done)
                try await pool.run { [store] in try store.remove(uid) }
            } catch {
                log.warning("pod \(pod.fullName): \(error)")
            }
            throw error
        }
    }

    /// The network that every pod has, with the plugins that this one needs.
    private func defaultNetwork(_ request: PodRequest) async throws -> NetworkList {
        let list = try await choice.current()
        if list == builtIn.list {
            let mtu = try? await pool.run { [builtIn] in try builtIn.uplinkMTU() }
            return builtIn.list(for: request, mtu: mtu ?? nil)
        }
        for wanted in request.needed.members where !list.hasCapability(wanted.key) {
            throw NetworkFailure(
                "network \(list.name) of \(choice.file ?? "this node") cannot give the pod its hostPort: no plugin of it has "
                    + "the capability \(wanted.key); add the plugin portmap with it, or remove hostPort")
        }
        return list
    }

    private func furtherNetworks(
        _ request: PodRequest
    ) async throws -> [(NetworkSelection?, NetworkList)] {
        var found: [(NetworkSelection?, NetworkList)] = []
        for selection in request.selections {
            guard let list = try await choice.network(named: selection.name) else {
                throw NetworkFailure(
                    "there is no network \(selection.name) in \(paths.networkConfigurations), which the annotation "
                        + "\(NetworkSelection.annotation) asks for")
            }
            for wanted in selection.capabilities.members where !list.hasCapability(wanted.key) {
                throw NetworkFailure(
                    "network \(list.name) cannot give the pod what the annotation \(NetworkSelection.annotation) asks for: "
                        + "no plugin of it has the capability \(wanted.key)")
            }
            found.append((selection, selection.arguments.map { list.adding(arguments: $0) } ?? list))
        }
        return found
    }

    private func notes(_ request: PodRequest, _ list: NetworkList) -> [EventNote] {
        guard !request.bandwidth.isEmpty, !list.hasCapability("bandwidth") else { return [] }
        return [
            EventNote(
                "BandwidthNotLimited",
                "No plugin of network \(list.name) has the capability bandwidth: the pod's \(PodBandwidth.ingressAnnotation) "
                    + "and \(PodBandwidth.egressAnnotation) are not enforced.", warning: true)
        ]
    }

    private func add(_ attachment: Attachment) async throws -> JSONValue? {
        var result: JSONValue?
        for (index, plugin) in attachment.network.plugins.enumerated() {
            let request = PluginRequest(
                .add, attachment, plugin: index, previous: result, path: runner.folders)
            do throws(CNIError) {
                result = try await runner.run(request)
            } catch {
                throw NetworkFailure("cannot attach the pod", plugin: plugin.type, of: attachment.network.name, error)
            }
        }
        return result
    }

    // MARK: - Undoing

    /// Asks the plugins of all these attachments to undo what they made, the last first.
    ///
    /// - Throws: the first `NetworkFailure`, when all were asked.
    func delete(_ attachments: [Attachment]) async throws {
        var failure: NetworkFailure?
        var released: [Attachment] = []
        for attachment in attachments.reversed() {
            if let found = await delete(attachment) {
                failure = failure ?? found
            } else {
                released.append(attachment)
            }
        }
        if !released.isEmpty {
            try await pool.run { [cache, released] in for attachment in released { try cache.remove(attachment) } }
        }
        if let failure { throw failure }
    }

    private func delete(_ attachment: Attachment) async -> NetworkFailure? {
        var attachment = attachment
        // A namespace that is gone is not named to the plugins.
        if (try? NetworkNamespace(path: attachment.namespacePath)) == nil { attachment.namespacePath = "" }
        var failure: NetworkFailure?
        for (index, plugin) in attachment.network.plugins.enumerated().reversed() {
            let request = PluginRequest(
                .delete, attachment, plugin: index, previous: attachment.result, path: runner.folders)
            do throws(CNIError) {
                _ = try await runner.run(request)
            } catch {
                // One that did not take part in ADD has nothing to undo.
                if attachment.result == nil, Self.cannotHaveBegun.contains(error.code) { continue }
                failure =
                    failure
                    ?? NetworkFailure("cannot release the pod", plugin: plugin.type, of: attachment.network.name, error)
            }
        }
        return failure
    }

    /// The plugin is not there, or refuses the configuration as such.
    private static let cannotHaveBegun: Set<CNIError.Code> = [
        .unavailable, .incompatibleVersion, .unsupportedField, .invalidConfiguration,
    ]
}

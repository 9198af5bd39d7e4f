import Base
import CLinux
import CNIPlugins
import CNIRuntime
import CNITypes
import Netlink

/// Rules of our plugins that another program has removed.
extension PodNetworks {
    /// Listens for removals of what an attachment has.
    func keepRules(of attachment: Attachment) {
        for plugin in attachment.network.plugins where RuleRestoration.concerns(plugin.type) {
            guard let configuration = try? NetworkConfiguration(attachment.request(plugin, runner.folders).input),
                let tables = try? RuleRestoration.tables(configuration)
            else { continue }
            keeper.tables.formUnion(tables)
            if RuleRestoration.reachesOthers(plugin.type) { keeper.followsAll = true }
        }
        if attachment.network.name == builtIn.list.name, builtIn.forwarding.opensFirewall { keeper.followsAll = true }
        keeper.start()
    }

    /// Waits until what is put back now is, so that what comes after it is not undone by it, and until nobody looks at the
    /// pod any more: plugins are asked one thing of a container at a time.
    func beginChange(of uid: String) async {
        changing.insert(uid)
        await restoration?.value
        _ = await checking[uid]?.value
    }

    func endChange(of uid: String) {
        changing.remove(uid)
        guard wasPassedOver.remove(uid) != nil else { return }
        Task { await keeper.look() }
    }

    /// Puts back what is missing of the rules of all attachments on record. Those that are being made or released are
    /// passed over, and looked at when that is done.
    ///
    /// - Returns: whether something was missing.
    func restoreRules() async throws -> Bool {
        await restoration?.value
        let passed = changing
        wasPassedOver.formUnion(passed)
        var outcome: Result<Bool, any Error> = .success(false)
        let task = Task {
            do {
                outcome = .success(
                    try await pool.run { [store, builtIn, folders = runner.folders] in
                        let rules = try Self.rules(store, folders, without: passed)
                        var isRestored = try !rules.restore().isEmpty
                        if try builtIn.forwarding.restore() { isRestored = true }
                        return isRestored
                    })
            } catch {
                outcome = .failure(error)
            }
        }
        restoration = task
        await task.value
        if restoration == task { restoration = nil }
        return try outcome.get()
    }

    private nonisolated static func rules(
        _ store: AttachmentStore, _ folders: [String], without passed: Set<String>
    ) throws -> RuleRestoration {
        var rules = RuleRestoration()
        for uid in try store.containers() where !passed.contains(uid) {
            // One that cannot be read is told when its pod is released.
            for attachment in (try? store.load(uid)) ?? [] where attachment.result != nil {
                for plugin in attachment.network.plugins where RuleRestoration.concerns(plugin.type) {
                    // One of another make has rules of its own.
                    guard PluginRunner.isOurs(plugin.type, in: folders) else { continue }
                    let request = attachment.request(plugin, folders)
                    try rules.add(plugin.type, try request.pluginEnvironment(), try NetworkConfiguration(request.input))
                }
            }
        }
        return rules
    }
}

extension Attachment {
    /// What CHECK of one of its plugins would be asked with.
    fileprivate func request(_ plugin: NetworkList.Plugin, _ folders: [String]) -> PluginRequest {
        let index = network.plugins.firstIndex(of: plugin) ?? 0
        return PluginRequest(.check, self, plugin: index, previous: result, path: folders)
    }
}

extension PluginRequest {
    fileprivate func pluginEnvironment() throws(CNIError) -> PluginEnvironment {
        var variables: [String: String] = [:]
        for assignment in environment {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
        return try PluginEnvironment(variables)
    }
}

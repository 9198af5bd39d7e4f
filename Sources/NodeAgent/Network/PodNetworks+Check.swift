import Base
import CNIRuntime
import CNITypes

/// CHECK of what an earlier agent has attached.
extension PodNetworks {
    /// How many pods are checked at once: nothing waits for it, and it is to disturb nothing.
    private static let width = 2
    /// From when on after pods were taken up.
    private static let delay = Nanoseconds.seconds(2)
    /// How long a plugin may take for it: an end of the pod waits for it.
    private static let patience = Nanoseconds.seconds(10)

    /// Has the plugins look, some time later, whether the pod's attachments are as ADD made them.
    ///
    /// - Parameter onFailure: gets what a plugin found. Nothing else comes of it, as with a kubelet.
    func checkLater(_ uid: String, onFailure: @escaping (EventNote) -> Void) {
        checks.append((uid, onFailure))
        guard checkTimer == nil, checksRunning == 0 else { return }
        checkTimer = loop.schedule(after: Self.delay) { [weak self] in
            guard let self else { return }
            checkTimer = nil
            for _ in 0..<Self.width { checkNext() }
        }
    }

    private func checkNext() {
        guard !checks.isEmpty else { return }
        let (uid, onFailure) = checks.removeFirst()
        checksRunning += 1
        Task {
            let task = Task { await check(uid) }
            checking[uid] = task
            let failure = await task.value
            checking[uid] = nil
            if let failure {
                log.warning("pod \(uid): \(failure)")
                onFailure(
                    EventNote(
                        "NetworkCheckFailed", "The pod's network is not as it was made: \(failure)", warning: true))
            }
            checksRunning -= 1
            checkNext()
        }
    }

    /// Nil when all is well, or the pod is not to be looked at any more.
    private func check(_ uid: String) async -> NetworkFailure? {
        guard active.contains(uid), !changing.contains(uid) else { return nil }
        var runner = runner
        runner.patience = Self.patience
        return try? await gate.pass(exclusively: false) { [runner] () async throws -> NetworkFailure? in
            let attachments = try await pool.run { [store] in try store.load(uid) }
            for attachment in attachments where attachment.network.checks {
                for (index, plugin) in attachment.network.plugins.enumerated() {
                    guard !changing.contains(uid) else { return nil }
                    let request = PluginRequest(
                        .check, attachment, plugin: index, previous: attachment.result, path: runner.folders)
                    do throws(CNIError) {
                        _ = try await runner.run(request)
                    } catch {
                        return NetworkFailure(
                            "CHECK of \(attachment.interfaceName)", plugin: plugin.type, of: attachment.network.name,
                            error)
                    }
                }
            }
            return nil
        }
    }
}

extension NetworkList {
    /// Whether its plugins know CHECK and are to be asked.
    fileprivate var checks: Bool { !disablesCheck && version >= .v040 }
}

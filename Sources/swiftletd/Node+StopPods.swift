import Base
import Cgroups
import NodeAgent
import PodSources

extension Node {
    /// Ends the pods of an agent that runs no more (`--stop-pods`). Their records stay: they run again when an agent
    /// starts.
    func stopPods() throws {
        try watchSignals()
        isEnding = true
        _ = try restore()
        agent.sweep(services)
        agent.suspend { [unowned self] in
            log.info("all pods have ended; they run again when swiftletd starts")
            Task {
                await services.networks.settle()
                services.cgroups.removeIfEmpty()
                loop.stop()
            }
        }
        log.info("ends \(agent.pods.count) pods")
        reporter.stopping("ending \(agent.pods.count) pods", within: agent.longestEnd)
    }

    /// Hands the agent what an earlier one left on record. By file, what each manifest asked for when it was last good.
    func restore() throws -> [String: [ManifestPod]] {
        let found = try records.load()
        return agent.restore(
            found.records, unusable: found.unusable,
            survey: InstanceSurvey(cgroupRoot: services.cgroups.root.path, paths: paths))
    }
}

import Base
import NodeAgent

extension Node {
    /// Ends the pods of an agent that runs no more (`--stop-pods`). Their records stay: they run again when an agent
    /// starts.
    func stopPods() throws {
        try watchSignals()
        isEnding = true
        _ = agent.restore(try records.load())
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
}

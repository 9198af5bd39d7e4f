import Base
import NodeAPI
import NodeAgent
import PodSources

extension Node {
    /// Reads the configuration and the manifests again (SIGHUP). A broken file changes nothing.
    func reload() {
        reporter.reloading()
        if let problem = configuration.read() {
            log.error("the configuration is not read again, what held before holds on:\n\(problem)")
        } else {
            let settings = configuration.settings
            log.limit = settings.logLevel ?? NodeSettings.Default.logLevel
            collector.policy = settings.imageCollection
            services.podPIDLimit = NodeServices.podPIDLimit(settings)
            follow(settings)
            reloadEndpoints()
            let waiting = configuration.waitingForRestart
            if !waiting.isEmpty {
                log.warning(
                    "\(configuration.path): \(waiting.joined(separator: ", ")) changed, which needs a restart of the "
                        + "agent (pods go on): systemctl restart swiftletd")
            }
            log.info("configuration read again")
        }
        sources?.refresh()
        reporter.reloaded()
    }

    /// What bounds the pods and images that begin from now on.
    func follow(_ settings: NodeSettings) {
        services.diskFloor = DiskFloor(bytes: settings.minimumFreeDisk)
        images.diskFloor = services.diskFloor
        agent.admission = PodAdmission(services.facts, maxPods: settings.maxPods ?? NodeSettings.Default.maxPods)
    }

    /// All settings that hold, for `swiftlet config view`.
    func describeConfiguration() -> NodeConfiguration {
        NodeConfiguration(
            path: configuration.path, problem: configuration.problem.map { "\($0)" },
            commandLine: configuration.commandLine, now: configuration.settings,
            start: configuration.atStart ?? configuration.settings,
            defaults: .defaults(
                nodeName: NodeProbe.hostname(), cgroupRoot: NodeSettings.Default.cgroupRoot + paths.instanceSuffix,
                manifestFolder: String(paths.manifests.dropFirst(paths.root.count))))
    }

    /// What `swiftlet status` says of the configuration: nothing while all is well.
    var configurationConditions: [NodeStatus.Condition] {
        if let problem = configuration.problem {
            return [
                NodeStatus.Condition(
                    type: "ConfigurationValid", status: false, reason: "FileRefused",
                    message: "what held before holds on: \(problem)")
            ]
        }
        let waiting = configuration.waitingForRestart
        guard !waiting.isEmpty else { return [] }
        return [
            NodeStatus.Condition(
                type: "ConfigurationValid", status: true, reason: "RestartNeeded",
                message: "\(waiting.joined(separator: ", ")) changed; restart swiftletd")
        ]
    }
}

extension NodeServices {
    /// Processes a pod may have by these settings; nil for no limit.
    static func podPIDLimit(_ settings: NodeSettings) -> Int64? {
        let limit = settings.podPIDLimit ?? NodeSettings.Default.podPIDLimit
        return limit < 0 ? nil : limit
    }
}

import Base
import Endpoints
import HTTP
import HTTPClient
import NodeAPI
import NodeAgent
import PodSources

/// The URL that pods come from, and the one that their status goes to.
extension Node {
    /// Follows the URL of the settings, or none.
    ///
    /// - Parameter lastGood: by place, what was asked for by the records of pods.
    func followURL(lastGood: [String: [ManifestPod]] = [:]) throws(SystemError) {
        let settings = configuration.settings
        let endpoint = settings.podsEndpoint
        followed = FollowedURL(settings)
        guard let url = endpoint.url else {
            // Should it be named again one day, this is not what it asks for then.
            try URLSource.forget(paths.podsAnswer)
            urlSource = nil
            return try sources?.set(.url, to: nil) ?? ()
        }
        let known = lastGood.filter { URLSource.isURL($0.key) }.values.flatMap { $0 }
        let source = URLSource(
            url, options: endpoint.options(root: paths.root),
            every: settings.podsInterval ?? NodeSettings.Default.podsInterval,
            path: paths.podsAnswer, lastGood: Array(known), loop: loop, work: work)
        log.info("asks \(url) for pods, too")
        urlSource = source
        try sources?.set(.url, to: source)
    }

    /// Tells the URL of the settings what becomes of the pods, or none.
    func reportToURL() throws(SystemError) {
        let endpoint = configuration.settings.statusEndpoint
        reported = endpoint
        statusReporter?.stop()
        guard let url = endpoint.url else {
            try HTTPStatusReporter.forget(paths.statusQueue)
            statusReporter = nil
            return agent.report(to: nil)
        }
        let reporter = try HTTPStatusReporter(
            url, options: endpoint.options(root: paths.root), folder: paths.statusQueue, loop: loop, work: work,
            log: log)
        log.info("sends the status of pods to \(url)")
        statusReporter = reporter
        agent.report(to: reporter)
        reporter.start()
    }

    /// Takes up new settings of the URLs.
    func reloadEndpoints() {
        let settings = configuration.settings
        do throws(SystemError) {
            if followed != FollowedURL(settings) { try followURL() }
            if reported != settings.statusEndpoint { try reportToURL() }
        } catch {
            log.error("the new settings of podsURL or statusURL do not hold yet: \(error)")
        }
    }

    /// What `swiftlet status` says of the URLs.
    var endpointConditions: [NodeStatus.Condition] {
        var conditions: [NodeStatus.Condition] = []
        if let source = urlSource {
            let reason = source.problem != nil ? "NoGoodAnswer" : source.hasAnswered ? "Answered" : "Waiting"
            conditions.append(
                NodeStatus.Condition(
                    type: "PodsURLReady", status: reason == "Answered", reason: reason,
                    message: "\(source.url)" + (source.problem.map { ": \($0); what was last good holds on" } ?? "")))
        }
        if let reporter = statusReporter {
            var message = "\(reporter.url): \(reporter.waiting) wait to be sent"
            if reporter.dropped > 0 { message += ", \(reporter.dropped) gave way to newer ones" }
            if let problem = reporter.problem { message += "; \(problem)" }
            conditions.append(
                NodeStatus.Condition(
                    type: "StatusURLReady", status: reporter.problem == nil,
                    reason: reporter.problem == nil ? "Taken" : "NotTaken", message: message))
        }
        return conditions
    }
}

/// The settings that a followed URL was made with.
struct FollowedURL: Equatable {
    private let endpoint: EndpointSettings
    private let interval: Nanoseconds?

    init(_ settings: NodeSettings) {
        endpoint = settings.podsEndpoint
        interval = settings.podsInterval
    }
}

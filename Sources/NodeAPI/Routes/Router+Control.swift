import HTTP
import JSON

extension Router {
    /// `POST /swiftlet/v1/pods/{namespace}/{name}/{stop|start|restart}[?container=][&gracePeriodSeconds=]`: answers
    /// when what was asked is on disk.
    func control(_ exchange: Exchange, _ action: PodAction, namespace: String, name: String) {
        let grace: Int64?
        do throws(NodeServiceError) {
            grace = try LogOptions.number(exchange.target, "gracePeriodSeconds", atLeast: 0)
        } catch {
            return exchange.respond(error)
        }
        let container = exchange.target.value("container").flatMap { $0.isEmpty ? nil : $0 }
        service.control(action, namespace: namespace, pod: name, container: container, gracePeriod: grace) { result in
            switch result {
            case .success: exchange.respond(json: ["status": "Success"])
            case .failure(let error): exchange.respond(error)
            }
        }
    }

    /// `POST /swiftlet/v1/pods/{namespace}/{name}/gracePeriod?seconds=`.
    func setGracePeriod(_ exchange: Exchange, namespace: String, name: String) {
        do throws(NodeServiceError) {
            guard let seconds = try LogOptions.number(exchange.target, "seconds", atLeast: 0) else {
                throw .badRequest("seconds: missing")
            }
            try service.setGracePeriod(seconds, namespace: namespace, pod: name)
            exchange.respond(json: ["status": "Success"])
        } catch {
            exchange.respond(error)
        }
    }
}

import Base
import HTTP
import JSON
import NodeAgent

extension Router {
    func version(_ exchange: Exchange) {
        exchange.respond(json: ["version": .string(service.status().version)])
    }

    func status(_ exchange: Exchange) {
        let status = service.status()
        exchange.respond(json: [
            "version": .string(status.version),
            "nodeName": .string(status.nodeName),
            "root": .string(status.root),
            "pid": .integer(status.processID),
            "started": .string(status.started.rfc3339),
            "kernel": .string(status.kernel),
            "limitsEnforced": .bool(status.limitsEnforced),
            "cgroupRoot": .string(status.cgroupRoot),
            "manifestFolder": .string(status.manifestFolder),
            "draining": .bool(status.isDraining),
            "conditions": .array(status.conditions.map(Self.json)),
            "features": .array(status.features.map(Self.json)),
            "pods": Self.podCounts(service.pods()),
            "images": .integer(service.images().count),
            "problems": .integer(service.manifestProblems().count),
        ])
    }

    /// `GET /swiftlet/v1/config`: each setting with its origin.
    func config(_ exchange: Exchange) {
        let configuration = service.configuration()
        var answer = JSONObject()
        answer.append("path", .string(configuration.path))
        if let problem = configuration.problem { answer.append("problem", .string(problem)) }
        answer.append("document", configuration.document)
        answer.append(
            "settings",
            .array(
                configuration.settings.map { setting in
                    var object = JSONObject()
                    object.append("name", .string(setting.name))
                    object.append("value", setting.value)
                    object.append("origin", .string(setting.origin.rawValue))
                    if let later = setting.afterRestart { object.append("afterRestart", later) }
                    return .object(object)
                }))
        exchange.respond(json: .object(answer))
    }

    /// `GET /configz`, as the kubelet has it.
    func configz(_ exchange: Exchange) {
        exchange.respond(json: ["kubeletconfig": service.configuration().document])
    }

    private static func json(_ condition: NodeStatus.Condition) -> JSONValue {
        [
            "type": .string(condition.type), "status": condition.status ? "True" : "False",
            "reason": .string(condition.reason), "message": .string(condition.message),
        ]
    }

    private static func json(_ feature: NodeStatus.Feature) -> JSONValue {
        [
            "name": .string(feature.name), "state": .string(feature.state.rawValue),
            "detail": .string(feature.detail),
        ]
    }

    /// How many pods are in each phase.
    private static func podCounts(_ pods: [JSONValue]) -> JSONValue {
        var counts: [String: Int] = [:]
        for pod in pods { counts[pod["status"]?["phase"]?.stringValue ?? "Pending", default: 0] += 1 }
        return .object(
            JSONObject(counts.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .integer($0.value)) }))
    }

    /// `POST /swiftlet/v1/drain[?gracePeriodSeconds=]`: progress, one JSON object a line; the last says how it ended.
    func drain(_ exchange: Exchange) {
        let gracePeriod: Int64?
        do throws(NodeServiceError) {
            gracePeriod = try LogOptions.number(exchange.target, "gracePeriodSeconds", atLeast: 0)
        } catch {
            return exchange.respond(error)
        }
        guard let stream = exchange.stream(type: "application/json") else { return }
        // The drain goes on when the client does not want to watch it any more.
        service.drain(
            gracePeriod: gracePeriod,
            progress: { [weak stream] in stream?.write(Self.drainLine("PROGRESS", $0)) },
            completion: { [weak stream] result in
                switch result {
                case .success: stream?.write(Self.drainLine("DONE", "all pods have ended"))
                case .failure(let error): stream?.write(Self.drainLine("ERROR", error.message))
                }
                stream?.finish()
            })
    }

    private static func drainLine(_ type: String, _ message: String) -> [UInt8] {
        JSONWriter().bytes(["type": .string(type), "message": .string(message)]) + [0x0A]
    }
}

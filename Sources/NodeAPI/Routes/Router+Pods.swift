import Base
import HTTP
import JSON
import Kube

extension Router {
    /// `GET /pods` and `GET /swiftlet/v1/pods[?namespace=][&watch=true]`.
    func pods(_ exchange: Exchange) {
        guard let watches = exchange.flag("watch") else { return }
        let namespace = exchange.target.value("namespace")
        guard watches else { return listPods(exchange, namespace: namespace) }
        watch(exchange, initial: { [service] in service.pods() }, subscribe: { [service] in service.watchPods($0) }) {
            namespace == nil || $0["metadata"]?["namespace"]?.stringValue == namespace
        }
    }

    func listPods(_ exchange: Exchange, namespace: String?) {
        let items = service.pods().filter {
            namespace == nil || $0["metadata"]?["namespace"]?.stringValue == namespace
        }
        exchange.respond(json: Self.list("PodList", items))
    }

    func pod(_ exchange: Exchange, namespace: String, name: String) {
        guard let pod = service.pod(namespace: namespace, name: name) else {
            return exchange.respond(.notFound("pods \"\(name)\" not found in namespace \"\(namespace)\""))
        }
        exchange.respond(json: pod)
    }

    /// `GET /swiftlet/v1/pods/{namespace}/{name}/timeline`: what happened, to the nanosecond.
    func timeline(_ exchange: Exchange, namespace: String, name: String) {
        guard let timeline = service.timeline(namespace: namespace, name: name) else {
            return exchange.respond(.notFound("pods \"\(name)\" not found in namespace \"\(namespace)\""))
        }
        let items = timeline.entries.map { entry -> JSONValue in
            var object = JSONObject()
            object.append("time", .string(String(decoding: entry.time.rfc3339Nano, as: UTF8.self)))
            if let container = entry.container { object.append("container", .string(container)) }
            object.append("message", .string(entry.message))
            object.append("type", .string(entry.isWarning ? "Warning" : "Normal"))
            return .object(object)
        }
        exchange.respond(json: ["items": .array(items)])
    }

    /// `GET /swiftlet/v1/events[?namespace=][&watch=true]`.
    func events(_ exchange: Exchange) {
        guard let watches = exchange.flag("watch") else { return }
        let namespace = exchange.target.value("namespace")
        let isWanted: (JSONValue) -> Bool = { event in
            namespace == nil || event["metadata"]?["namespace"]?.stringValue == namespace
        }
        guard watches else {
            return exchange.respond(json: Self.list("EventList", service.events().filter(isWanted)))
        }
        watch(
            exchange, initial: { [service] in service.events() }, subscribe: { [service] in service.watchEvents($0) },
            where: isWanted)
    }

    /// `GET /swiftlet/v1/configmaps[?namespace=]`, `.../secrets`, `.../persistentvolumes` and
    /// `.../persistentvolumeclaims`.
    func objects(_ kind: DataObject.Kind, _ exchange: Exchange) {
        let namespace = exchange.target.value("namespace")
        let items = service.objects(kind).filter { namespace == nil || $0.metadata.namespace == namespace }
        exchange.respond(json: Self.list("\(kind.rawValue)List", items.map(\.shown)))
    }

    func problems(_ exchange: Exchange) {
        let items = service.manifestProblems().map { problem -> JSONValue in
            var object = JSONObject()
            object.append("path", .string(problem.path))
            object.append("line", .integer(problem.line))
            object.append("column", .integer(problem.column))
            object.append("message", .string(problem.message))
            object.append("keepsRunning", ifPresent: problem.keepsRunning.map { .string($0) })
            return .object(object)
        }
        exchange.respond(json: ["items": .array(items)])
    }

    static func list(_ kind: String, _ items: [JSONValue]) -> JSONValue {
        ["kind": .string(kind), "apiVersion": "v1", "metadata": [:], "items": .array(items)]
    }

    /// Streams what is there as ADDED and then every change, one JSON object a line. With `sendInitialEvents=true` a
    /// BOOKMARK stands between the two, as the API server sends it.
    private func watch(
        _ exchange: Exchange, initial: () -> [JSONValue],
        subscribe: (@escaping (WatchEvent) -> Void) -> Subscription, where isWanted: @escaping (JSONValue) -> Bool
    ) {
        guard let marksEnd = exchange.flag("sendInitialEvents"),
            let stream = exchange.stream(type: "application/json")
        else { return }
        var first: [UInt8] = []
        for object in initial() where isWanted(object) { first += WatchStream.line(WatchEvent(.added, object)) }
        if marksEnd { first += WatchStream.endOfInitialEvents }
        stream.write(first)
        let watch = WatchStream(stream, isWanted)
        // The stream's closures keep the watch; it goes with the stream.
        stream.onClosed = { watch.end() }
        watch.subscription = subscribe { [weak watch] in watch?.send($0) }
    }
}

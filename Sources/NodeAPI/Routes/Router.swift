import Base
import HTTP
import JSON
import Kube

/// Finds what answers a request.
final class Router {
    let service: any NodeService
    let loop: EventLoop
    /// What `/stats/summary` told last, and before that.
    var lastUsage: NodeUsage?
    var usageBefore: NodeUsage?

    init(service: any NodeService, loop: EventLoop) {
        self.service = service
        self.loop = loop
    }

    func route(_ head: HTTPRequestHead, _ target: RequestTarget) -> Endpoint {
        let path = target.path
        switch path.first {
        case "healthz" where path.count == 1 || path == ["healthz", "ping"]:
            return only(["GET"], head) { $0.respond(200, text: "ok") }
        case "pods" where path.count == 1:
            return only(["GET"], head) { [self] in listPods($0, namespace: nil) }
        case "configz" where path.count == 1:
            return only(["GET"], head) { [self] in configz($0) }
        case "containerLogs" where path.count == 3 || path.count == 4:
            return only(["GET"], head) { [self] in containerLogs($0) }
        case "exec" where path.count == 3 || path.count == 4:
            return only(["GET", "POST"], head) { [self] in exec($0) }
        case "attach" where path.count == 3 || path.count == 4:
            return only(["GET", "POST"], head) { [self] in attach($0) }
        case "portForward" where path.count == 3:
            return only(["GET", "POST"], head) { [self] in portForward($0) }
        case "swiftlet" where path.count >= 3 && path[1] == "v1":
            return ours(head, target, Array(path.dropFirst(2)))
        default: return statistics(head, path) ?? Self.unknown(target)
        }
    }

    private func ours(_ head: HTTPRequestHead, _ target: RequestTarget, _ path: [String]) -> Endpoint {
        switch path {
        case ["pods"]: only(["GET"], head) { [self] in pods($0) }
        case ["configmaps"]: only(["GET"], head) { [self] in objects(.configMap, $0) }
        case ["secrets"]: only(["GET"], head) { [self] in objects(.secret, $0) }
        case ["persistentvolumes"]: only(["GET"], head) { [self] in objects(.volume, $0) }
        case ["persistentvolumeclaims"]: only(["GET"], head) { [self] in objects(.claim, $0) }
        case ["problems"]: only(["GET"], head) { [self] in problems($0) }
        case ["events"]: only(["GET"], head) { [self] in events($0) }
        case ["images"]: images(head)
        case ["images", "load"]: loadImage(head, target)
        case ["images", "pull"]: only(["POST"], head) { [self] in pullImage($0) }
        case ["images", "inspect"]: only(["GET"], head) { [self] in inspectImage($0) }
        case ["images", "usage"]: only(["GET"], head) { [self] in imageUsage($0) }
        case ["images", "history"]: only(["GET"], head) { [self] in imageHistory($0) }
        case ["images", "verify"]: only(["POST"], head) { [self] in verifyImages($0) }
        case ["images", "save"]: only(["GET"], head) { [self] in saveImages($0) }
        case ["images", "import"]: importImage(head, target)
        case ["images", "prune"]: only(["POST"], head) { [self] in pruneImages($0) }
        case ["pulls"]: only(["GET"], head) { [self] in pulls($0) }
        case ["status"]: only(["GET"], head) { [self] in status($0) }
        case ["config"]: only(["GET"], head) { [self] in config($0) }
        case ["version"]: only(["GET"], head) { [self] in version($0) }
        case ["drain"]: only(["POST"], head) { [self] in drain($0) }
        default:
            if path.count == 4, path[0] == "pods", let action = PodAction(rawValue: path[3]) {
                only(["POST"], head) { [self] in control($0, action, namespace: path[1], name: path[2]) }
            } else if path.count == 4, path[0] == "pods", path[3] == "gracePeriod" {
                only(["POST"], head) { [self] in setGracePeriod($0, namespace: path[1], name: path[2]) }
            } else if path.count == 4, path[0] == "pods", let subresource = PodSubresource(rawValue: path[3]) {
                change(subresource, head, namespace: path[1], name: path[2])
            } else if path.count == 4, path[0] == "pods", path[3] == "timeline" {
                only(["GET"], head) { [self] in timeline($0, namespace: path[1], name: path[2]) }
            } else if path.count == 3, path[0] == "pods" {
                only(["GET"], head) { [self] in pod($0, namespace: path[1], name: path[2]) }
            } else {
                Self.unknown(target)
            }
        }
    }

    private static func unknown(_ target: RequestTarget) -> Endpoint {
        .message(404, "the node's API has no /\(target.path.joined(separator: "/"))")
    }

    func only(_ methods: [String], _ head: HTTPRequestHead, _ run: @escaping (Exchange) -> Void) -> Endpoint {
        guard methods.contains(head.method) else { return Self.wrongMethod(head, methods) }
        return Endpoint(run: run)
    }

    static func wrongMethod(_ head: HTTPRequestHead, _ methods: [String]) -> Endpoint {
        let allowed = methods.joined(separator: ", ")
        return .message(405, "\(head.method) is not allowed here; use \(allowed)", headers: ["Allow": allowed])
    }
}

extension Exchange {
    func respond(json: JSONValue) {
        respond(200, type: "application/json", body: JSONWriter().bytes(json) + [0x0A])
    }

    /// A boolean parameter; answers 400 itself and gives nil when it is none.
    func flag(_ name: String) -> Bool? {
        do throws(NodeServiceError) { return try LogOptions.flag(target, name) } catch {
            respond(error)
            return nil
        }
    }
}

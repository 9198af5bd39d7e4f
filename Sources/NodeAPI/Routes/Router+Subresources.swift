import HTTP
import JSON
import Kube

extension Router {
    /// `GET`, `PUT` and `PATCH /swiftlet/v1/pods/{namespace}/{name}/{subresource}`, as the API server's. A patch is a
    /// strategic merge patch, or with that content type a JSON merge patch. The answer is the pod.
    func change(
        _ subresource: PodSubresource, _ head: HTTPRequestHead, namespace: String, name: String
    ) -> Endpoint {
        let form: ListForm
        switch (head.method, head.headers["Content-Type"]?.split(separator: ";").first) {
        case ("GET", _): return Endpoint { [self] in pod($0, namespace: namespace, name: name) }
        case ("PUT", _), ("PATCH", "application/merge-patch+json"): form = .whole
        case ("PATCH", nil), ("PATCH", "application/strategic-merge-patch+json"), ("PATCH", "application/json"):
            form = .strategic
        case ("PATCH", let type?):
            return .message(
                415, "a patch of type \(type) is not read here; send application/strategic-merge-patch+json")
        default: return Self.wrongMethod(head, ["GET", "PUT", "PATCH"])
        }
        return jsonBody { [service] exchange, request in
            // A merge patch that does not name the list leaves it as it is.
            let list = subresource.list.reduce(request) { $0?[$1] }
            let isUnchanged = head.method == "PATCH" && list == nil
            service.change(
                subresource, request, isUnchanged ? .strategic : form, namespace: namespace, pod: name
            ) { result in
                switch result {
                case .success(let pod): exchange.respond(json: pod)
                case .failure(let error): exchange.respond(error)
                }
            }
        }
    }
}

import JSON
import Kube
import NodeAgent
import PodSources

extension AgentService {
    public func debug(
        _ request: JSONValue, _ form: EphemeralContainerDecoder.Form, namespace: String, pod: String,
        completion: @escaping (Result<JSONValue, NodeServiceError>) -> Void
    ) {
        let key = PodKey(namespace: namespace, name: pod)
        Task {
            do throws(ControlError) {
                try await agent.debug(key, request, form)
                completion(
                    agent.pod(key).map { .success($0.json) } ?? .failure(.notFound("pods \"\(pod)\" not found")))
            } catch {
                completion(.failure(NodeServiceError(error)))
            }
        }
    }
}

extension NodeServiceError {
    init(_ error: ControlError) {
        let status =
            switch error.reason {
            case .noSuchPod: 404
            case .noSuchContainer: 400
            case .conflict: 409
            case .invalid: 422
            case .notRecorded: 500
            }
        self.init(status: status, error.description)
    }
}

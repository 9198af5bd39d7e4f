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

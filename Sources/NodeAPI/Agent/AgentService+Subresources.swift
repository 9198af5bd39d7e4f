import JSON
import Kube
import NodeAgent
import PodSources

extension AgentService {
    public func change(
        _ subresource: PodSubresource, _ request: JSONValue, _ form: ListForm, namespace: String, pod: String,
        completion: @escaping (Result<JSONValue, NodeServiceError>) -> Void
    ) {
        let key = PodKey(namespace: namespace, name: pod)
        Task {
            do throws(ControlError) {
                switch subresource {
                case .ephemeralContainers: try await agent.debug(key, request, form)
                case .status: try await agent.setConditions(key, request, form)
                }
                completion(
                    agent.pod(key).map { .success($0.json) } ?? .failure(.notFound("pods \"\(pod)\" not found")))
            } catch {
                completion(.failure(NodeServiceError(error)))
            }
        }
    }
}

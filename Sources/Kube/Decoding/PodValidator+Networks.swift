import JSON

/// Annotations about networks.
extension PodValidator {
    mutating func networkAnnotations(_ pod: Pod) {
        let annotations = FieldPath().field("metadata").field("annotations")
        if let text = pod.metadata.annotations[NetworkSelection.annotation] {
            let path = annotations.key(NetworkSelection.annotation)
            do throws(NetworkSelection.Refusal) {
                let selections = try NetworkSelection.read(text)
                if pod.spec.hostNetwork, !selections.isEmpty {
                    forbidden("may not be set when hostNetwork is true: the host's interfaces are the pod's", path)
                }
            } catch {
                invalid(text, error.description, path)
            }
        }
        for key in [PodBandwidth.ingressAnnotation, PodBandwidth.egressAnnotation] {
            guard let text = pod.metadata.annotations[key] else { continue }
            if PodBandwidth.rate(text) == nil {
                invalid(text, "must be a quantity of bits a second from 1k to 1P", annotations.key(key))
            } else if pod.spec.hostNetwork {
                forbidden("may not be set when hostNetwork is true", annotations.key(key))
            }
        }
    }
}

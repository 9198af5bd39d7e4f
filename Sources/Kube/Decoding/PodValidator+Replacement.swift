import JSON

/// Annotations that this node reads.
extension PodValidator {
    mutating func replacement(_ pod: Pod, _ path: FieldPath) {
        let known = [PodReplacement.annotation, PodReplacement.deadlineAnnotation]
        for (key, value) in pod.metadata.annotations.sorted(by: { $0.key < $1.key })
        where key.hasPrefix(PodReplacement.prefix) {
            let place = path.field("metadata").field("annotations").key(key)
            switch key {
            case PodReplacement.annotation:
                if value != PodReplacement.rolling { unsupported(value, [PodReplacement.rolling], place) }
            case PodReplacement.deadlineAnnotation:
                guard let seconds = Int64(value), 1...86_400 * 365 ~= seconds else {
                    invalid(value, "must be a number of seconds greater than 0", place)
                    continue
                }
            default: unsupported(key, known, place)
            }
        }
        guard PodReplacement(pod.metadata.annotations).isRolling else { return }
        // Nobody outside sees the next instance before it is the pod.
        if !pod.spec.readinessGates.isEmpty {
            forbidden(
                "may not be set together with the annotation \(PodReplacement.annotation): nobody could open a gate of "
                    + "an instance that is not the pod yet", path.field("spec").field("readinessGates"))
        }
        // Two instances run side by side for a while.
        for (list, containers) in [("initContainers", pod.spec.initContainers), ("containers", pod.spec.containers)] {
            for (n, container) in containers.enumerated() {
                for (m, port) in container.ports.enumerated() where port.hostPort != nil || pod.spec.hostNetwork {
                    let place = path.field("spec").field(list)[n].field("ports")[m].field("hostPort")
                    forbidden(
                        "may not be set together with the annotation \(PodReplacement.annotation): two instances cannot "
                            + "have one port of the host", place)
                }
            }
        }
    }
}

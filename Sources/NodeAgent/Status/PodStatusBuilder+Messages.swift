import Kube

extension PodStatusBuilder {
    /// What the termination messages of a pod may have together, in bytes: each container has its part of it.
    static let messageLimit = 12 * 1024

    /// Cuts termination messages that are longer than their part, as the kubelet does.
    func shareMessages(_ status: inout PodStatus) {
        let share = Self.messageLimit / max(1, pod.spec.allContainers.count)
        for i in status.initContainerStatuses.indices { Self.cut(&status.initContainerStatuses[i], to: share) }
        for i in status.containerStatuses.indices { Self.cut(&status.containerStatuses[i], to: share) }
        for i in status.ephemeralContainerStatuses.indices {
            Self.cut(&status.ephemeralContainerStatuses[i], to: share)
        }
    }

    private static func cut(_ status: inout ContainerStatus, to limit: Int) {
        status.state = cut(status.state, to: limit)
        status.lastState = status.lastState.map { cut($0, to: limit) }
    }

    private static func cut(_ state: ContainerState, to limit: Int) -> ContainerState {
        guard case .terminated(var end) = state, let message = end.message, message.utf8.count > limit else {
            return state
        }
        // No character is cut in the middle.
        var length = 0
        end.message = String(
            String.UnicodeScalarView(
                message.unicodeScalars.prefix { scalar in
                    length += scalar.utf8.count
                    return length <= limit
                }))
        return .terminated(end)
    }
}

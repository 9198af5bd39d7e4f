import Base

/// Waiting for ConfigMaps and Secrets.
extension PodMachine {
    /// One that the pod names has come, gone or changed: who waits tries again now.
    ///
    /// - Parameter forPulls: it is one with credentials for registries.
    mutating func onObjectsChanged(forPulls: Bool, _ now: BootInstant) -> [PodDirective] {
        switch stage {
        case .preparing:
            guard isWaitingToRetry, isWaitingForVolume else { return [] }
            isWaitingToRetry = false
            return [.makeSandbox]
        case .running:
            for i in containers.indices
            where !containers[i].isHeld
                && (containers[i].isBadlyConfigured || forPulls && containers[i].isWaitingToPull)
            {
                containers[i].state = .waiting(reason: nil, message: nil)
                containers[i].heldUntil = nil
            }
            return advance(now)
        case .terminating, .tearingDown, .finished, .gone: return []
        }
    }
}

extension ContainerRecord {
    /// Held back because of what the pod asks for.
    fileprivate var isBadlyConfigured: Bool {
        if case .waiting("CreateContainerConfigError", _) = state { true } else { false }
    }

    /// Held back after a pull that failed.
    fileprivate var isWaitingToPull: Bool {
        switch state {
        case .waiting("ErrImagePull", _), .waiting("ImagePullBackOff", _), .waiting("SignatureValidationFailed", _):
            true
        default: false
        }
    }
}

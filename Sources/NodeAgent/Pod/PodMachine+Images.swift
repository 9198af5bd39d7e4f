import Base

/// Containers whose images are not here.
extension PodMachine {
    /// The images of these containers are here now: who waits for one begins.
    mutating func onImagesHere(_ names: Set<String>, _ now: BootInstant) -> [PodDirective] {
        guard stage == .running else { return [] }
        for i in containers.indices where containers[i].isWaitingForImage && names.contains(containers[i].name) {
            containers[i].state = .waiting(reason: nil, message: nil)
            containers[i].heldUntil = nil
        }
        return advance(now)
    }

    mutating func holdBackPull(_ i: Int, _ now: BootInstant) -> [PodDirective] {
        let delay = containers[i].nextPullDelay
        containers[i].pullDelay = delay
        containers[i].heldUntil = now + delay
        let name = containers[i].name
        // What went wrong is told first, and that it is waited for a little later, as the kubelet's next look does.
        return [.arm(.pullBackOff(container: name), after: .seconds(2)), .arm(.restart(container: name), after: delay)]
    }

    mutating func onPullBackOff(_ name: String) -> [PodDirective] {
        guard stage == .running, let i = index(name), !containers[i].isHeld,
            let (state, note) = containers[i].pullBackOff
        else { return [] }
        containers[i].state = state
        return [.record(note)]
    }
}

extension ContainerRecord {
    /// The kubelet's times between pulls: 10 s, doubled up to 300 s.
    var nextPullDelay: Nanoseconds {
        pullDelay.map { Nanoseconds(min($0.count * 2, Nanoseconds.seconds(300).count)) } ?? .seconds(10)
    }

    /// What is said of it while the next pull is waited for; nil when no pull has failed.
    var pullBackOff: (State, EventNote)? {
        guard case .waiting(let reason?, let why) = state,
            ["ErrImagePull", "SignatureValidationFailed"].contains(reason)
        else { return nil }
        let image = missingImage ?? image
        let state = State.waiting(
            reason: "ImagePullBackOff", message: "Back-off pulling image \"\(image)\": \(reason): \(why ?? "unknown")")
        return (state, EventNote("BackOff", "Back-off pulling image \"\(image)\"", container: name))
    }

    /// Held back until its image is here.
    var isWaitingForImage: Bool {
        guard case .waiting(let reason?, _) = state else { return false }
        return [
            "ErrImagePull", "ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName", "SignatureValidationFailed",
        ].contains(reason)
    }
}

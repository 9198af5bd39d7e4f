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

    /// The kubelet's times between pulls: 10 s, doubled up to 300 s.
    mutating func holdBackPull(_ i: Int, _ now: BootInstant) -> [PodDirective] {
        let delay =
            containers[i].pullDelay.map { Nanoseconds(min($0.count * 2, Nanoseconds.seconds(300).count)) }
            ?? .seconds(10)
        containers[i].pullDelay = delay
        containers[i].heldUntil = now + delay
        let name = containers[i].name
        // What went wrong is told first, and that it is waited for a little later, as the kubelet's next look does.
        return [.arm(.pullBackOff(container: name), after: .seconds(2)), .arm(.restart(container: name), after: delay)]
    }

    mutating func onPullBackOff(_ name: String) -> [PodDirective] {
        guard stage == .running, let i = index(name), case .waiting(let reason?, let why) = containers[i].state,
            ["ErrImagePull", "SignatureValidationFailed"].contains(reason), !containers[i].isHeld
        else { return [] }
        let image = containers[i].image
        containers[i].state = .waiting(
            reason: "ImagePullBackOff",
            message: "Back-off pulling image \"\(image)\": \(reason): \(why ?? "unknown")")
        return [.record(EventNote("BackOff", "Back-off pulling image \"\(image)\"", container: name))]
    }
}

extension ContainerRecord {
    /// Held back until its image is here.
    var isWaitingForImage: Bool {
        guard case .waiting(let reason?, _) = state else { return false }
        return [
            "ErrImagePull", "ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName", "SignatureValidationFailed",
        ].contains(reason)
    }
}

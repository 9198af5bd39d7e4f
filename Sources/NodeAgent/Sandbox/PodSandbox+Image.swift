import Base
import Images
import Kube

/// The images of the pod's containers: those that are here, and those that are pulled.
extension PodSandbox {
    /// A pull that a start waits for.
    struct PullWait {
        var start: CheckedContinuation<Result<StoredImage, StartFailure>, Never>
        var task: Task<Void, Never>?
        var state: ContainerPull
        /// Fires when the next event is due.
        var timer: EventLoop.Token?
    }

    /// A pull that takes longer is told of in events: after this time, and then after twice as long each time.
    private static let firstPullNote = Nanoseconds.seconds(10)
    private static let longestPullNote = Nanoseconds.seconds(300)

    /// The container's image, pulled where its policy asks for that.
    func image(of container: Container) async throws(StartFailure) -> StoredImage {
        let isOpen =
            openPullPolicies.contains(container.name)
            || pod.spec.ephemeralContainers.contains { $0.name == container.name && $0.leavesPullPolicyOpen }
        return try await image(container.image, container.imagePullPolicy, isOpen: isOpen, for: container.name)
    }

    /// An image that a container needs. Events and reasons are the kubelet's.
    ///
    /// - Parameter isOpen: the manifest does not say the policy itself.
    func image(
        _ name: String, _ policy: PullPolicy, isOpen: Bool, for container: String
    ) async throws(StartFailure) -> StoredImage {
        func note(_ reason: String, _ message: String, warning: Bool = false) {
            onNote?(EventNote(reason, message, container: container, warning: warning))
        }
        let reference: ImageReference
        let found: StoredImage?
        do throws(ImageError) {
            reference = try ImageReference(parsing: name)
            found = try node.images.resolve(name)
        } catch {
            let isName = error.reason == .invalidReference
            if isName {
                note("InspectFailed", "Failed to apply default image tag \"\(name)\": \(error)", warning: true)
            }
            throw StartFailure(
                isName ? .image : .pull, reason: isName ? "InvalidImageName" : "ErrImagePull", message: "\(error)",
                at: .now)
        }
        let decision = PullDecision(policy, isOpen: isOpen, isHere: found != nil, isPulled: found?.isPulled == true)
        switch (decision, found) {
        case (.use, let image?):
            note("Pulled", "Container image \"\(name)\" already present on machine and can be accessed by the pod")
            return image
        case (.refuse, _):
            let message = "Container image \"\(name)\" is not present with pull policy of Never"
            note("ErrImageNeverPull", message, warning: true)
            throw StartFailure(.image, reason: "ErrImageNeverPull", message: message, at: .now)
        default: break
        }
        guard let puller = node.puller else {
            let message =
                "the image is not on this node, and this node does not pull from registries; "
                + "load it with: swiftlet image load FILE"
            note("Failed", "Failed to pull image \"\(name)\": \(message)", warning: true)
            throw StartFailure(.image, reason: "ErrImagePull", message: message, at: .now)
        }
        let credentials = pullCredentials()
        note("Pulling", "Pulling image \"\(name)\"")
        let began = BootInstant.now
        let outcome = await withCheckedContinuation { start in
            pulls[container] = PullWait(
                start: start, state: ContainerPull(container: container, image: name, began: began),
                timer: scheduleNote(container, after: Self.firstPullNote))
            pulls[container]?.task = Task {
                do throws(PullError) {
                    let image = try await puller.pull(reference, credentials: credentials) { [weak self] progress in
                        self?.pulling(container, progress)
                    }
                    endPull(of: container, .success(image))
                } catch {
                    endPull(
                        of: container,
                        .failure(
                            StartFailure(
                                .pull,
                                reason: error.kind == .unsigned ? "SignatureValidationFailed" : "ErrImagePull",
                                message: "\(error)", at: .now)))
                }
            }
        }
        switch outcome {
        case .success(let image):
            let time = BootInstant.now - began
            note(
                "Pulled",
                "Successfully pulled image \"\(name)\" in \(time) (\(time) including waiting). Image size: \(image.size) bytes."
            )
            return image
        case .failure(let failure):
            if failure.kind == .pull {
                note("Failed", "Failed to pull image \"\(name)\": \(failure.message)", warning: true)
            }
            throw failure
        }
    }

    private func pulling(_ container: String, _ progress: PullProgress) {
        pulls[container]?.state.progress = progress
    }

    private func scheduleNote(_ container: String, after delay: Nanoseconds) -> EventLoop.Token {
        node.loop.schedule(after: delay) { [weak self] in self?.tellProgress(container, delay) }
    }

    private func tellProgress(_ container: String, _ delay: Nanoseconds) {
        guard let state = pulls[container]?.state else { return }
        let message =
            "Pulling image \"\(state.image)\" for \(BootInstant.now - state.began): \(state.progress.summary)"
        onNote?(EventNote("PullProgress", message, container: container))
        pulls[container]?.timer = scheduleNote(
            container, after: Nanoseconds(min(delay.count * 2, Self.longestPullNote.count)))
    }

    /// The images that are pulled for this pod.
    public var currentPulls: [ContainerPull] { pulls.values.map(\.state).sorted { $0.container < $1.container } }

    private func endPull(of container: String, _ outcome: Result<StoredImage, StartFailure>) {
        // Who gave it up does not wait any more.
        guard let wait = pulls.removeValue(forKey: container) else { return }
        wait.task?.cancel()
        if let timer = wait.timer { node.loop.cancel(timer) }
        wait.start.resume(returning: outcome)
    }

    public func giveUpStart(container: String) {
        endPull(
            of: container,
            .failure(StartFailure(.givenUp, reason: "ErrImagePull", message: "the pull was given up", at: .now)))
    }

    public func hasImage(container: String) -> Bool {
        guard let found = pod.spec.allContainers.first(where: { $0.name == container }) else {
            return false
        }
        let images = [found.image] + pod.spec.imageVolumes(of: found).compactMap(\.image?.reference)
        return images.allSatisfy { (try? node.images.resolve($0)) != nil }
    }
}

import Kube
import OCI

/// `runAsNonRoot`, judged before the container is made, with the kubelet's words.
enum NonRootRule {
    /// - Throws: `ContainerConfigError` when the container would or could run as root.
    static func check(_ context: PodContext, _ container: Container, image: ImageConfig) throws(ContainerConfigError) {
        let pod = context.pod.spec.securityContext
        guard container.securityContext?.runAsNonRoot ?? pod.runAsNonRoot ?? false else { return }
        let place = "(pod: \(quoted(context.display)), container: \(container.name))"
        if let uid = container.securityContext?.runAsUser ?? pod.runAsUser {
            if uid != 0 { return }
            throw ContainerConfigError(
                .createContainerConfig, "container's runAsUser breaks non-root policy \(place)")
        }
        let user = image.user.prefix { $0 != ":" }
        guard !user.isEmpty else { throw rootImage(place) }
        if let uid = Int64(user) {
            if uid != 0 { return }
            throw rootImage(place)
        }
        throw ContainerConfigError(
            .createContainerConfig,
            "container has runAsNonRoot and image has non-numeric user (\(user)), cannot verify user is non-root "
                + place)
    }

    private static func rootImage(_ place: String) -> ContainerConfigError {
        ContainerConfigError(
            .createContainerConfig, "container has runAsNonRoot and image will run as root \(place)")
    }

    private static func quoted(_ text: String) -> String { "\"\(text)\"" }
}

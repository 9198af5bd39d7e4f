extension PodMachine {
    /// The containers as the pod's record is to have them when the pod was stopped with its node: what ran until it
    /// was asked to stop runs again at the next start, what had ended by itself has ended.
    var resumableContainers: [ContainerRecord] {
        containers.map { container in
            guard stoppedContainers.contains(container.name), let end = container.termination else { return container }
            var container = container
            container.lastTermination = end
            container.state = .waiting(reason: nil, message: nil)
            return container
        }
    }
}

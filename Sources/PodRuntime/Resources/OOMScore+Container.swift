import Kube

extension OOMScore {
    /// Of a container of the pod, by what it and the pod ask for.
    static func adjustment(_ container: Container, of context: PodContext) -> Int {
        adjustment(
            PodResources(context.pod.spec).qosClass,
            memoryRequest: ResourceAmounts(container.resources).memoryRequest,
            memoryCapacity: context.node.memoryCapacity)
    }
}

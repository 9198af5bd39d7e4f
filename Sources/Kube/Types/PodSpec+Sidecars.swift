extension PodSpec {
    /// The init containers that run beside the others, in the order in which they begin.
    public var sidecars: [Container] { initContainers.filter { $0.restartPolicy == .always } }

    /// Whether an init container of this name runs beside the others.
    public func isSidecar(_ name: String) -> Bool { sidecars.contains { $0.name == name } }
}

/// A run of a probe that is under way.
public struct ProbeRun {
    private let body: () -> Void

    /// - Parameter cancel: gives it up; its answer does not come any more.
    public init(cancel: @escaping () -> Void) { body = cancel }

    func cancel() { body() }
}

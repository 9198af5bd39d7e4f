/// Takes work that may block (files, name resolution) away from the loop's thread.
public protocol BlockingWork: AnyObject {
    /// Runs `work` on another thread, then `then` with its result on the loop, never from inside this call.
    func run<T: Sendable>(_ work: @escaping @Sendable () -> T, then: @escaping (T) -> Void)
}

import Base

/// How long a container that ended is held back, as the kubelet counts: the first restart is immediate, then 10 s
/// doubling to 300 s; a run longer than 600 s starts the count anew.
public struct CrashLoopBackOff: Hashable, Sendable {
    static let first = Nanoseconds.seconds(10)
    /// Where the operator sets no other.
    public static let longest = Nanoseconds.seconds(300)
    static let forgotten = Nanoseconds.seconds(600)

    /// The delay last given; nil before the first end.
    public var last: Nanoseconds?

    public init(last: Nanoseconds? = nil) { self.last = last }

    /// The delay before the next run, counted from the end of the last.
    ///
    /// - Parameter longest: no delay is longer, the first neither.
    public mutating func delay(ranFor: Nanoseconds, longest: Nanoseconds = longest) -> Nanoseconds {
        guard let previous = last, ranFor <= Self.forgotten else {
            last = Nanoseconds(0)
            return Nanoseconds(0)
        }
        let next = previous.count == 0 ? Self.first.count : min(previous.count, longest.count) * 2
        last = Nanoseconds(min(next, longest.count))
        return Nanoseconds(min(next, longest.count))
    }
}

/// A system call that failed: which one, on which object, and why.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call or step, `openat` or `attach the device program`.
    public let call: String
    /// What it was made on, usually a path.
    public let object: String
    public let errno: Errno

    public init(_ call: String, _ object: String, _ errno: Errno = .current) {
        self.call = call
        self.object = object
        self.errno = errno
    }

    public var description: String { "\(call) \(object): \(errno)" }
}

/// Calls `body` until it is not interrupted by a signal and returns its value.
///
/// - Throws: `SystemError` with `call` and `object` when the result is negative.
// Inlinable, so that each use is compiled for its own integer type: the generic one makes the runtime build the integer
// types' whole protocol tables, some 30 kB in every small process.
@inlinable @inline(__always) @discardableResult
public func retrying<T: SignedInteger>(
    _ call: @autoclosure () -> String, _ object: @autoclosure () -> String, _ body: () -> T
) throws(SystemError) -> T {
    while true {
        let result = body()
        if result >= 0 { return result }
        let error = Errno.current
        if error != .interrupted { throw SystemError(call(), object(), error) }
    }
}

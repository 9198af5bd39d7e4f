import Base

/// A way to attach containers, with a host's network namespace of its own.
protocol Lane: AnyObject {
    var name: String { get }
    /// The host's network namespace.
    var host: String { get }

    /// A program that has nothing to do.
    func start() throws -> Nanoseconds
    func add(_ sandbox: Sandbox) throws -> Cost
    /// The host's end of what was added.
    func link(of sandbox: Sandbox) -> String
    /// The link need not be there any more where the namespace `isGone`.
    func delete(_ sandbox: Sandbox, isGone: Bool) throws -> Cost
}

/// How long an operation took.
struct Cost {
    var whole: Nanoseconds
    /// What of it went to the ports alone.
    var ports: Nanoseconds
    /// Whether a call failed at first.
    var isRepeated = false
}

/// A container's network namespace, which one of the lanes attaches.
struct Sandbox {
    /// From 0 on, one lane's each once at a time.
    var index: Int
    /// The namespace.
    var path: String
    /// How many ports of the host lead to it.
    var ports = 1

    var id: String { "bench-\(index)" }
}

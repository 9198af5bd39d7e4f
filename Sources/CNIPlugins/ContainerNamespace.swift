import Base
import CNITypes
import Linux

/// The network namespace of the container, beside the plugin's own.
struct ContainerNamespace: ~Copyable {
    let namespace: NetworkNamespace
    let home: NetworkNamespace

    /// Runs `body` with this thread in the container's network namespace, and comes back.
    borrowing func run<T>(_ body: () throws(CNIError) -> T) throws(CNIError) -> T {
        try Self.move(to: namespace)
        let outcome: Result<T, CNIError>
        do {
            outcome = .success(try body())
        } catch {
            outcome = .failure(error)
        }
        try Self.move(to: home)
        return try outcome.get()
    }

    private static func move(to namespace: borrowing NetworkNamespace) throws(CNIError) {
        do {
            try namespace.enter()
        } catch {
            throw CNIError(.internalFailure, "cannot change the network namespace", details: "\(error)")
        }
    }
}

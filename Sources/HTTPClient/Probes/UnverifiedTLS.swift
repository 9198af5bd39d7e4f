import Base
import TLS

/// TLS with whoever answers: what a probe asks is whether somebody does. Made when the first asks for it, and kept.
public final class UnverifiedTLS {
    private var context: TLSContext?

    public init() {}

    /// - Parameter completion: called at once when it is there already, else from the loop.
    func prepare(_ work: any BlockingWork, _ completion: @escaping (Result<TLSContext, TLSError>) -> Void) {
        if let context { return completion(.success(context)) }
        work.run {
            Result { () throws(TLSError) -> TLSContext in try TLSContext(TLSFiles(), verifiesServer: false) }
        } then: { [weak self] result in
            if case .success(let context) = result { self?.context = context }
            completion(result)
        }
    }
}

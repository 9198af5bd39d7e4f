import Base
import CLinux

/// Threads of our own for work that keeps a processor busy.
enum Threads {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on `count` threads at once and waits for all of them. Each has its own umask, 0.
    static func run(_ count: Int, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var threads: [pthread_t] = []
        var failure: Int32 = 0
        for _ in 0..<count {
            let argument = Unmanaged.passRetained(
                Body {
                    // The mask belongs to the process unless the thread parts with its file system state.
                    guard swl_unshare(CLONE_FS) == 0 else { return }
                    _ = umask(0)
                    body()
                })
            var thread = pthread_t()
            let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
                if let body = $0 { Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run() }
                return nil
            }
            failure = pthread_create(&thread, nil, start, argument.toOpaque())
            if failure != 0 {
                argument.release()
                break
            }
            threads.append(thread)
        }
        for thread in threads { _ = pthread_join(thread, nil) }
        // One thread does all the work, only slower.
        if threads.isEmpty { throw SystemError("pthread_create", "an unpacking thread", Errno(rawValue: failure)) }
    }
}

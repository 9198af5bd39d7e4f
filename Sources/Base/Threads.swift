import CLinux

/// Threads of our own, for work that blocks or keeps a processor busy.
public enum Threads {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread that the caller joins or detaches.
    ///
    /// - Parameters:
    ///   - purpose: what it is for, in messages.
    ///   - stackSize: in bytes; nil for the system's.
    /// - Throws: `SystemError` when there can be no further thread; `body` is not run then.
    public static func start(
        _ purpose: String, stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> pthread_t {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        if let stackSize { pthread_attr_setstacksize(&attributes, stackSize) }
        let argument = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, &attributes,
            {
                if let argument = $0 { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, argument.toOpaque())
        guard result == 0 else {
            argument.release()
            throw SystemError("start a thread for", purpose, Errno(rawValue: result))
        }
        return thread
    }

    /// Runs `body` on `count` threads at once and waits for all of them.
    ///
    /// - Throws: `SystemError` when not one could be started. With fewer than `count` it only takes longer.
    public static func run(
        _ count: Int, _ purpose: String, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        var threads: [pthread_t] = []
        for _ in 0..<count {
            do throws(SystemError) { threads.append(try start(purpose, body)) } catch {
                if threads.isEmpty { throw error }
                break
            }
        }
        for thread in threads { _ = pthread_join(thread, nil) }
    }
}

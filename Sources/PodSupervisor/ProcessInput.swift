import Base
import CLinux

/// The standard input of a process: a pipe, or its terminal. What the process does not take yet waits here. Who writes
/// stops while it `isFull`.
final class ProcessInput {
    /// Bytes waiting for the process beyond which it is full.
    static let maximumBacklog = 64 * 1024

    private let loop: EventLoop
    private var descriptor: SharedDescriptor?
    private var isTerminal = false
    private var watch: EventLoop.Token?
    private var waiting: [UInt8] = []
    private var isClosed = false
    /// No more comes.
    private(set) var hasEnded = false
    /// It is full no longer.
    var onRoom: (() -> Void)?

    init(_ loop: EventLoop) { self.loop = loop }

    var isFull: Bool { waiting.count > Self.maximumBacklog }

    /// Begins to hand on what was written to a non-blocking descriptor.
    func start(_ descriptor: SharedDescriptor, isTerminal: Bool) {
        guard !isClosed else { return }
        self.descriptor = descriptor
        self.isTerminal = isTerminal
        flush()
    }

    func write(_ bytes: [UInt8]) {
        guard !hasEnded, !isClosed else { return }
        waiting.append(contentsOf: bytes)
        flush()
    }

    /// The process reads the end after what was written. A terminal has no end of input: its programs read the EOF
    /// character that somebody types.
    func end() {
        hasEnded = true
        flush()
    }

    /// Closes at once; what waits and what still comes is thrown away.
    func close() {
        isClosed = true
        if let watch { loop.unwatch(watch) }
        watch = nil
        descriptor = nil
        waiting = []
    }

    private func flush() {
        guard let descriptor else { return }
        let wasFull = isFull
        while !waiting.isEmpty, !isClosed {
            do {
                let count = try waiting.withUnsafeBytes { (bytes) throws(SystemError) in
                    try descriptor.descriptor.write(bytes)
                }
                guard let count else { break }
                waiting.removeFirst(count)
            } catch {
                // Nobody reads.
                close()
            }
        }
        if waiting.isEmpty {
            if let watch { loop.unwatch(watch) }
            watch = nil
            if hasEnded, !isTerminal { close() }
        } else if watch == nil {
            watch = try? loop.watch(descriptor.descriptor, for: .writable) { [weak self] _ in self?.flush() }
        }
        if wasFull, !isFull { onRoom?() }
    }
}

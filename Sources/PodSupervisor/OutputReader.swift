import Base
import CLinux

/// Reads one output pipe of a container, or its terminal, into its log, always and at once, so that the container never
/// waits for it.
final class OutputReader {
    private let loop: EventLoop
    private let scratch: Scratch
    private let pipe: SharedDescriptor
    private let log: LogFile
    private var formatter: LogFormatter
    private var watch: EventLoop.Token?
    /// Called with all that is read.
    private let onBytes: (UnsafeRawBufferPointer) -> Void
    /// Called after each read, for what concerns the whole supervisor.
    var onActivity: (() -> Void)?

    init(
        _ pipe: SharedDescriptor, _ stream: LogFormatter.Stream, _ log: LogFile, _ scratch: Scratch, _ loop: EventLoop,
        onBytes: @escaping (UnsafeRawBufferPointer) -> Void
    ) throws(SystemError) {
        self.onBytes = onBytes
        self.pipe = pipe
        self.log = log
        self.scratch = scratch
        self.loop = loop
        formatter = LogFormatter(stream)
        try pipe.descriptor.setNonBlocking()
        watch = try loop.watch(pipe.descriptor, for: .readable) { [weak self] _ in
            guard let self else { return }
            // One read a turn: a flood in one stream leaves the others their turn.
            if !self.read() { self.finish() }
            self.onActivity?()
        }
    }

    /// The writing end is closed everywhere, or reading was given up.
    var isFinished: Bool { watch == nil }

    /// False at the end of the stream.
    private func read() -> Bool {
        guard let count = readOnce() else { return true }
        return count > 0
    }

    /// Bytes read; 0 at the end (a terminal without another side reports an error), nil when there is nothing to read.
    private func readOnce() -> Int? {
        var count: Int?
        do { count = try pipe.descriptor.read(into: scratch.input) } catch { count = 0 }
        guard let count, count > 0 else { return count }
        scratch.used(count)
        let bytes = UnsafeRawBufferPointer(rebasing: scratch.input[..<count])
        formatter.add(bytes, at: .now, using: scratch.output) { log.write($0) }
        onBytes(bytes)
        return count
    }

    /// Reads what is in the pipe now: after the process has ended, all that it wrote. A pipe never holds more than
    /// /proc/sys/fs/pipe-max-size (1 MiB by default), so that a child which goes on writing cannot hold this up.
    func drain() {
        guard !isFinished else { return }
        var left = 1 << 20
        while left > 0, let count = readOnce() {
            if count == 0 { return finish() }
            left -= count
        }
    }

    /// Ends the reading; an unfinished line is written.
    func finish() {
        guard let watch else { return }
        loop.unwatch(watch)
        self.watch = nil
        formatter.finish(at: .now, using: scratch.output) { log.write($0) }
    }
}

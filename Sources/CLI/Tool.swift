import Base
import CLinux

/// What a command has of the world: replaced in tests.
struct Tool {
    /// The prefix of all of the agent's paths; empty for none.
    var root: String
    var output: Output
    /// Takes sentences for the person, without a line end: standard error.
    var say: (String) -> Void
    var now: () -> Timestamp = { .now }
    /// Waits as long.
    var pause: (Nanoseconds) -> Void = { usleep(UInt32(clamping: $0.count / 1000)) }
    /// The person's terminal to show progress on; nil where there is none.
    var progressBar: () -> ProgressBar? = { nil }
    /// Times of day in UTC instead of the machine's zone.
    var usesUTC = false

    var socketPath: String { root + "/run/swiftlet/swiftlet.sock" }

    func agent() throws(CLIError) -> AgentClient { try AgentClient(path: socketPath) }

    /// Reads "default" for an option that is not there.
    static func namespace(_ invocation: Invocation) -> String { invocation["namespace"] ?? "default" }
}

/// Standard output: collected, and written in few pieces.
final class Output {
    /// Whether colours may be used.
    let isColoured: Bool
    private let write: ([UInt8]) -> Void
    private var buffer: [UInt8] = []

    init(isColoured: Bool = false, write: @escaping ([UInt8]) -> Void) {
        self.isColoured = isColoured
        self.write = write
    }

    /// Standard output of this process. Colours only on a terminal that has them, and not with NO_COLOR.
    static func standard() -> Output {
        let noColour = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
        return Output(isColoured: isatty(1) == 1 && !noColour && !isDumb) { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let n = rest.withUnsafeBytes { CLinux.write(1, $0.baseAddress, $0.count) }
                if n < 0 {
                    if Errno.current == .interrupted { continue }
                    // Nobody reads any more, or the disk is full: what is said further is lost either way.
                    exit(CLIError.Code.failed.rawValue)
                }
                rest = rest.dropFirst(n)
            }
        }
    }

    func put(_ bytes: some Sequence<UInt8>) {
        buffer.append(contentsOf: bytes)
        if buffer.count > 64 << 10 { flush() }
    }

    func line(_ text: String = "") {
        put(text.utf8)
        put(CollectionOfOne(0x0A))
    }

    func flush() {
        if buffer.isEmpty { return }
        write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }
}

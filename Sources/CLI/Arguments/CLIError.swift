/// Why a command did not do what it was asked to.
struct CLIError: Error, Hashable, Sendable, CustomStringConvertible {
    /// How the program ends. `docs/cli.md` lists these.
    enum Code: Int32, Sendable {
        /// It did not work, or there is no such object.
        case failed = 1
        /// The command line is wrong.
        case usage = 2
        /// The agent does not answer.
        case unreachable = 3
    }

    var code: Code
    var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    static func failed(_ message: String) -> Self { Self(.failed, message) }
    static func usage(_ message: String) -> Self { Self(.usage, message) }
    /// kubectl's words for a wait that was too long.
    static var timedOut: Self { .failed("timed out waiting for the condition") }

    var description: String { message }
}

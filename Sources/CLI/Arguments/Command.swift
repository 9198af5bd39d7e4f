/// An option as the command line takes it. Help is printed from the same table.
struct Option: Sendable, Hashable {
    /// The long name, without dashes.
    var name: String
    var short: Character?
    /// What stands for the value in help; nil for a flag.
    var value: String?
    var summary: String

    init(_ name: String, _ short: Character? = nil, value: String? = nil, _ summary: String) {
        self.name = name
        self.short = short
        self.value = value
        self.summary = summary
    }

    var isFlag: Bool { value == nil }
}

/// A command: what it takes, and what it does.
struct Command: Sendable {
    /// Its words, `image load`.
    var name: String
    /// The arguments as help shows them.
    var arguments: String
    var summary: String
    /// More for its own help: examples, mostly.
    var details: String
    var options: [Option]
    /// How many arguments are right.
    var count: ClosedRange<Int>
    /// Whether words after `--` are taken.
    var takesCommand: Bool
    var run: @Sendable (Invocation, Tool) throws(CLIError) -> Int32

    init(
        _ name: String, _ arguments: String = "", _ summary: String, count: ClosedRange<Int> = 0...0,
        takesCommand: Bool = false, options: [Option] = [], details: String = "",
        run: @escaping @Sendable (Invocation, Tool) throws(CLIError) -> Int32
    ) {
        self.name = name
        self.arguments = arguments
        self.summary = summary
        self.count = count
        self.takesCommand = takesCommand
        self.options = options
        self.details = details
        self.run = run
    }

    /// What every command takes.
    static let global = [
        Option("root", value: "DIR", "prefix of all of the agent's paths (default: $SWIFTLET_ROOT, or none)"),
        Option("help", "h", "show this help"),
    ]
}

/// A command line taken apart.
struct Invocation: Sendable, Equatable {
    /// The values of each option, in order; flags have "true" or "false".
    var options: [String: [String]] = [:]
    var arguments: [String] = []
    /// The words after `--`; nil without it.
    var command: [String]?

    /// The last value of an option.
    subscript(option: String) -> String? { options[option]?.last }

    func flag(_ option: String) -> Bool { self[option] == "true" }

    /// The value of an option as a whole number of at least `minimum`.
    func number(_ option: String, atLeast minimum: Int64) throws(CLIError) -> Int64? {
        guard let text = self[option] else { return nil }
        guard let value = Int64(text), value >= minimum else {
            throw .usage("--\(option): \"\(text)\" is no whole number of at least \(minimum)")
        }
        return value
    }
}

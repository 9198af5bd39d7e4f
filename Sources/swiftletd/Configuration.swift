import NodeAgent

/// The settings of the command line and of the configuration file, which may be read again.
struct Configuration {
    /// Where the file is looked for.
    let path: String
    private let isNamed: Bool
    let commandLine: NodeSettings
    /// What holds now.
    private(set) var settings: NodeSettings
    /// What held when the program started.
    private(set) var atStart: NodeSettings?
    /// What is wrong with the file; `settings` are then those that held before.
    private(set) var problem: ConfigurationError?

    init(_ options: Options) {
        path = options.configuration ?? options.root + "/etc/swiftlet/config.yaml"
        isNamed = options.configuration != nil
        commandLine = options.settings
        settings = commandLine
    }

    /// The fields that changed while the agent runs and cannot change in it.
    var waitingForRestart: [String] { atStart?.needingRestart(for: settings) ?? [] }

    /// Reads the file. What is wrong with it is returned, and kept until a reading that is good.
    mutating func read() -> ConfigurationError? {
        do throws(ConfigurationError) {
            let found = try ConfigurationFile.read(path)
            if found == nil, isNamed {
                throw ConfigurationError(path: path, issues: [.missing])
            }
            let read = commandLine.or(found ?? NodeSettings())
            if !read.problems.isEmpty { throw ConfigurationError(path: path, issues: read.problems) }
            settings = read
            if atStart == nil { atStart = settings }
            problem = nil
        } catch {
            problem = error
        }
        return problem
    }
}

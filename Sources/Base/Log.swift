import CLinux

/// One line a message on standard error, with the level as journald's `<n>` prefix when standard error is the journal.
public struct Log: Sendable {
    public enum Level: Int, Sendable, Comparable {
        case error = 3
        case warning = 4
        case info = 6
        case debug = 7
        public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
        var word: String {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .info: "info"
            case .debug: "debug"
            }
        }
    }

    /// Messages above this level are dropped.
    public var limit: Level
    private let journal: Bool
    private let sink: @Sendable ([UInt8]) -> Void

    public init(limit: Level = .info) {
        self.init(limit: limit) { line in
            line.withUnsafeBytes { _ = CLinux.write(2, $0.baseAddress, $0.count) }
        }
    }

    /// A log that hands its lines to `sink`, for tests.
    public init(limit: Level, sink: @escaping @Sendable ([UInt8]) -> Void) {
        self.limit = limit
        journal = getenv("JOURNAL_STREAM") != nil
        self.sink = sink
    }

    public func error(_ message: @autoclosure () -> String) { write(.error, message) }
    public func warning(_ message: @autoclosure () -> String) { write(.warning, message) }
    public func info(_ message: @autoclosure () -> String) { write(.info, message) }
    public func debug(_ message: @autoclosure () -> String) { write(.debug, message) }

    private func write(_ level: Level, _ message: () -> String) {
        guard level <= limit else { return }
        let text = message().split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
        let line = journal ? "<\(level.rawValue)>\(text)\n" : "\(Timestamp.now.rfc3339Micro) \(level.word): \(text)\n"
        sink(Array(line.utf8))
    }
}

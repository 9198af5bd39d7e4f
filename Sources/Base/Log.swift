import CLinux
import Synchronization

/// One line a message on standard error. Where standard error is the systemd journal, the level is journald's `<n>`
/// prefix, messages with fields are entries with fields, and nothing ever waits for the journal.
public struct Log: Sendable {
    public enum Level: Int, Sendable, Comparable {
        case error = 3
        case warning = 4
        case info = 6
        case debug = 7
        public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
        /// As the command line and the configuration file say it.
        public var word: String {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .info: "info"
            case .debug: "debug"
            }
        }
        public init?(word: String) {
            guard let level = [Level.error, .warning, .info, .debug].first(where: { $0.word == word }) else {
                return nil
            }
            self = level
        }
    }

    /// A field of an entry in the journal beside its message: `POD_NAME`.
    public typealias Field = (name: String, value: String)

    /// Shared by the copies of a log: a change of the level reaches all.
    private final class Threshold: Sendable {
        let level: Atomic<Int>
        init(_ level: Level) { self.level = Atomic(level.rawValue) }
    }

    private let threshold: Threshold
    private let isJournal: Bool
    /// Takes entries with fields; false when it cannot now.
    private let entries: (@Sendable (JournalEntry) -> Bool)?
    private let sink: @Sendable ([UInt8]) -> Void

    /// Messages above this level are dropped. Setting it changes all copies of this log.
    public var limit: Level {
        get { Level(rawValue: threshold.level.load(ordering: .relaxed)) ?? .info }
        nonmutating set { threshold.level.store(newValue.rawValue, ordering: .relaxed) }
    }

    public init(limit: Level = .info) {
        let isJournal = JournalSocket.isStream(2, variable: getenv("JOURNAL_STREAM").map { String(cString: $0) })
        guard isJournal else {
            self.init(limit: limit, isJournal: false) { line in
                line.withUnsafeBytes { _ = CLinux.write(2, $0.baseAddress, $0.count) }
            }
            return
        }
        var entries: (@Sendable (JournalEntry) -> Bool)?
        if let journal = try? JournalSocket() { entries = { entry in journal.send(entry) } }
        self.init(limit: limit, isJournal: true, entries: entries) { line in
            // A journal that does not read must not stop the agent: the line is lost then.
            line.withUnsafeBytes { _ = swl_send_now(2, $0.baseAddress, $0.count) }
        }
    }

    /// A log that hands its lines to `sink`, for tests and for programs with an output of their own.
    ///
    /// - Parameters:
    ///   - isJournal: lines begin with the level as journald has it, and have no time.
    ///   - entries: takes messages with fields; those it refuses are lines.
    public init(
        limit: Level, isJournal: Bool = false, entries: (@Sendable (JournalEntry) -> Bool)? = nil,
        sink: @escaping @Sendable ([UInt8]) -> Void
    ) {
        threshold = Threshold(limit)
        self.isJournal = isJournal
        self.entries = entries
        self.sink = sink
    }

    public func error(_ message: @autoclosure () -> String) { write(.error, message) }
    public func warning(_ message: @autoclosure () -> String) { write(.warning, message) }
    public func info(_ message: @autoclosure () -> String) { write(.info, message) }
    public func debug(_ message: @autoclosure () -> String) { write(.debug, message) }

    /// A message with fields, which only the journal keeps.
    public func entry(_ level: Level, _ message: String, identifier: String, fields: [Field]) {
        guard level <= limit else { return }
        if let entries {
            var entry = JournalEntry([
                ("MESSAGE", message), ("PRIORITY", String(level.rawValue)), ("SYSLOG_IDENTIFIER", identifier),
            ])
            for field in fields { entry.append(field.name, field.value) }
            if entries(entry) { return }
        }
        write(level) { message }
    }

    private func write(_ level: Level, _ message: () -> String) {
        guard level <= limit else { return }
        let text = message().split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
        let line = isJournal ? "<\(level.rawValue)>\(text)\n" : "\(Timestamp.now.rfc3339Micro) \(level.word): \(text)\n"
        sink(Array(line.utf8))
    }
}

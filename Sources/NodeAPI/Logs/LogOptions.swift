import Base
import HTTP

/// What of a log is wanted: PodLogOptions.
struct LogOptions: Sendable, Equatable {
    var follows = false
    /// The last lines only; nil for all.
    var tailLines: Int?
    /// Nothing older.
    var since: Timestamp?
    /// Each line with its time before it.
    var timestamps = false
    var previous = false
    /// At most this many bytes.
    var limitBytes: Int64?
    /// One stream only; nil for both.
    var stream: LogEntry.Stream?

    init() {}

    /// Reads the query with the names and the checks of the kubelet.
    ///
    /// - Throws: `NodeServiceError` 400 that names the parameter.
    init(_ target: RequestTarget, now: Timestamp) throws(NodeServiceError) {
        follows = try Self.flag(target, "follow")
        previous = try Self.flag(target, "previous")
        timestamps = try Self.flag(target, "timestamps")
        tailLines = try Self.number(target, "tailLines", atLeast: 0).map { Int(clamping: $0) }
        limitBytes = try Self.number(target, "limitBytes", atLeast: 1)
        let seconds = try Self.number(target, "sinceSeconds", atLeast: 1)
        if let text = target.value("sinceTime"), !text.isEmpty {
            guard seconds == nil else {
                throw .badRequest("at most one of sinceTime or sinceSeconds may be specified")
            }
            guard let time = Timestamp(rfc3339: text) else {
                throw .badRequest("sinceTime: \"\(text)\" is no RFC 3339 time")
            }
            since = time
        } else if let seconds {
            let ago = min(seconds, 100 * 365 * 86400)
            since = Timestamp(nanoseconds: now.nanoseconds - ago * 1_000_000_000)
        }
        switch target.value("stream") {
        case nil, "", "All": stream = nil
        case "Stdout": stream = .standardOutput
        case "Stderr": stream = .standardError
        case let other?: throw .badRequest("stream: \"\(other)\" is none of All, Stdout, Stderr")
        }
    }

    /// A boolean parameter as Go reads it; present without a value means true.
    static func flag(_ target: RequestTarget, _ name: String) throws(NodeServiceError) -> Bool {
        switch target.value(name) {
        case nil, "0", "f", "F", "false", "False", "FALSE": return false
        case "", "1", "t", "T", "true", "True", "TRUE": return true
        case let other?: throw .badRequest("\(name): \"\(other)\" is neither true nor false")
        }
    }

    static func number(
        _ target: RequestTarget, _ name: String, atLeast minimum: Int64
    ) throws(NodeServiceError) -> Int64? {
        guard let text = target.value(name), !text.isEmpty else { return nil }
        guard let value = Int64(text), value >= minimum else {
            throw .badRequest("\(name): \"\(text)\" is no whole number of at least \(minimum)")
        }
        return value
    }
}

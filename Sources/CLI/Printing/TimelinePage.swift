import Base
import JSON

/// What happened to a pod, with how long after its beginning and how long after the line before.
enum TimelinePage {
    static func text(_ timeline: JSONValue, utc: Bool) -> String {
        var lines = "Timeline:\n  Time\tSince start\tStep\tWhat\n  ----\t-----------\t----\t----\n"
        var (first, last): (Timestamp?, Timestamp?) = (nil, nil)
        for entry in timeline["items"]?.arrayValue ?? [] {
            guard let time = entry["time"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }) else { continue }
            let container = entry["container"]?.stringValue.map { "\($0): " } ?? ""
            let cells = [
                HumanTime.clock(time, utc: utc), first.map { length($0, time) } ?? "",
                last.map { length($0, time) } ?? "",
                Printable.line(container + (entry["message"]?.stringValue ?? "")),
            ]
            lines += "  " + cells.joined(separator: "\t") + "\n"
            (first, last) = (first ?? time, time)
        }
        return first == nil ? "" : TabWriter().format(lines)
    }

    /// `+3.2ms`, `+1.25s`, `+2h3m`: fine for what is short.
    private static func length(_ from: Timestamp, _ to: Timestamp) -> String {
        let count = to.nanoseconds - from.nanoseconds
        if count < 10_000_000 { return "+\(count / 1_000_000).\(count / 100_000 % 10)ms" }
        return count < 60_000_000_000
            ? "+\(Nanoseconds(count))" : "+" + HumanTime.duration(seconds: count / 1_000_000_000)
    }
}

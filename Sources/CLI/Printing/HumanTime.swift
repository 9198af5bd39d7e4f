import Base
import CLinux

/// Ages and times as kubectl prints them.
enum HumanTime {
    /// How long ago `time` was, `5m30s`; `<unknown>` when it is not known.
    static func age(_ time: Timestamp?, _ now: Timestamp) -> String {
        guard let time else { return "<unknown>" }
        return duration(seconds: (now.nanoseconds - time.nanoseconds) / 1_000_000_000)
    }

    /// A length of time with two units at most, fewer the longer it is.
    static func duration(seconds: Int64) -> String {
        // Clocks of machines differ a little.
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        if seconds < 120 { return "\(seconds)s" }
        let minutes = seconds / 60
        if minutes < 10 { return two(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        let hours = minutes / 60
        if hours < 8 { return two(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        let days = hours / 24
        if hours < 192 { return two(days, "d", hours % 24, "h") }
        if days < 730 { return "\(days)d" }
        if days < 2920 { return two(days / 365, "y", days % 365, "d") }
        return "\(days / 365)y"
    }

    private static func two(_ a: Int64, _ unitA: String, _ b: Int64, _ unitB: String) -> String {
        b == 0 ? "\(a)\(unitA)" : "\(a)\(unitA)\(b)\(unitB)"
    }

    /// `Mon, 02 Jan 2006 15:04:05 -0700`.
    static func date(_ time: Timestamp, utc: Bool) -> String {
        var seconds = time_t(time.nanoseconds / 1_000_000_000)
        var parts = tm()
        guard (utc ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts)) != nil else { return time.rfc3339 }
        var buffer = [CChar](repeating: 0, count: 64)
        // The names of days and months are English: no locale was set.
        let count = strftime(&buffer, buffer.count, "%a, %d %b %Y %H:%M:%S %z", &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// `15:04:05.123`, the time of day.
    static func clock(_ time: Timestamp, utc: Bool) -> String {
        var seconds = time_t(time.nanoseconds / 1_000_000_000)
        var parts = tm()
        guard (utc ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts)) != nil else { return time.rfc3339 }
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int64($0), 2) }.joined(separator: ":")
        return clock + "." + padded(time.nanoseconds / 1_000_000 % 1000, 3)
    }

    /// `90s`, `5m`, `1h30m` in seconds, as Go reads durations (whole units); nil for anything else.
    static func seconds(_ text: String) -> Int64? {
        var total: Int64 = 0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isWholeNumber }
            guard let value = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit: Int64
            switch rest.popFirst() {
            case "s": unit = 1
            case "m": unit = 60
            case "h": unit = 3600
            default: return nil
            }
            let (product, tooLarge) = value.multipliedReportingOverflow(by: unit)
            let (sum, tooLong) = total.addingReportingOverflow(product)
            if tooLarge || tooLong { return nil }
            total = sum
        }
        return text.isEmpty ? nil : total
    }
}

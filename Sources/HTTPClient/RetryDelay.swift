import Base
import CLinux
import HTTP

/// How long to wait before asking again.
public enum RetryDelay {
    /// The longest that a server may ask for.
    public static let longestAsked = Nanoseconds.seconds(600)

    /// What the server asks for by `Retry-After` with 429 or 503: seconds or a date, bounded. Nil when it asks for
    /// nothing.
    public static func asked(_ head: HTTPResponseHead, now: Timestamp) -> Nanoseconds? {
        guard head.status == 429 || head.status == 503, let text = head.headers["Retry-After"] else { return nil }
        if let seconds = Int64(text) { return bounded(.seconds(max(0, min(seconds, 1 << 30)))) }
        guard let date = HTTPDate.parse(text) else { return nil }
        return bounded(.seconds(max(0, min(date - now.nanoseconds / 1_000_000_000, 1 << 30))))
    }

    private static func bounded(_ delay: Nanoseconds) -> Nanoseconds { min(delay, longestAsked) }

    /// The back-off after the `attempt`-th failure in a row, counted from 1: doubled each time from a second to a
    /// minute, and of that a random part from a half to the whole, so that many nodes do not come at one moment.
    public static func backOff(_ attempt: Int, random: UInt64) -> Nanoseconds {
        let whole = min(Nanoseconds.seconds(60).count, 1_000_000_000 << Int64(min(max(attempt, 1) - 1, 6)))
        return Nanoseconds(whole / 2 + Int64(random % UInt64(whole / 2 + 1)))
    }

    /// `interval` and up to a tenth of it more.
    public static func spread(_ interval: Nanoseconds, random: UInt64) -> Nanoseconds {
        Nanoseconds(interval.count + Int64(random % UInt64(interval.count / 10 + 1)))
    }

    /// A number that nobody foresees.
    public static func random() -> UInt64 {
        var number: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &number) { swl_random($0.baseAddress, $0.count) }
        return number
    }
}

/// RFC 9110's dates: `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970; nil for anything but the preferred format.
    static func parse(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", words[1].utf8.count == 2,
            let month = months.firstIndex(where: { $0 == words[2] })
        else { return nil }
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(rfc3339: "\(words[3])-\(number)-\(words[1])T\(words[4])Z").map {
            $0.nanoseconds / 1_000_000_000
        }
    }
}

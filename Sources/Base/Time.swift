import CLinux

/// A moment on the boot clock, in nanoseconds since boot with suspended time counted. For durations and time-outs.
public struct BootInstant: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static var now: BootInstant { BootInstant(nanoseconds: swl_boot_ns()) }

    public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }
    public static func + (a: Self, b: Nanoseconds) -> Self { Self(nanoseconds: a.nanoseconds + b.count) }
    public static func - (a: Self, b: Self) -> Nanoseconds { Nanoseconds(a.nanoseconds - b.nanoseconds) }
}

/// A length of time. (`Swift.Duration` is 128 bits wide and drags its formatting along.)
public struct Nanoseconds: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var count: Int64
    public init(_ count: Int64) { self.count = count }

    public static func seconds(_ n: Int64) -> Self { Self(n * 1_000_000_000) }
    public static func milliseconds(_ n: Int64) -> Self { Self(n * 1_000_000) }
    public static func microseconds(_ n: Int64) -> Self { Self(n * 1_000) }
    public static func < (a: Self, b: Self) -> Bool { a.count < b.count }

    /// As Go prints a duration rounded to milliseconds: `1.25s`, `870ms`, `2m5s`.
    public var description: String {
        let ms = count / 1_000_000
        if ms < 1000 { return "\(ms)ms" }
        let whole = ms / 1000
        var fraction = String(1000 + ms % 1000).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        if whole < 60 { return fraction.isEmpty ? "\(whole)s" : "\(whole).\(fraction)s" }
        let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60)
        return h > 0 ? "\(h)h\(m)m\(s)s" : "\(m)m\(s)s"
    }
}

/// A moment on the wall clock, in nanoseconds since 1970 (UTC). For what people and APIs read; never for durations.
public struct Timestamp: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static var now: Timestamp { Timestamp(nanoseconds: swl_wall_ns()) }
    public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

    /// RFC 3339 in UTC with whole seconds, as Kubernetes' `Time`: `2026-03-01T12:00:00Z`.
    public var rfc3339: String { String(decoding: format(fraction: 0), as: UTF8.self) }

    /// RFC 3339 in UTC with six digits, as Kubernetes' `MicroTime`.
    public var rfc3339Micro: String { String(decoding: format(fraction: 6), as: UTF8.self) }

    /// RFC 3339 in UTC with nine digits, as log lines of the CRI format have it. 30 bytes.
    public var rfc3339Nano: [UInt8] { format(fraction: 9) }

    private func format(fraction digits: Int) -> [UInt8] {
        var seconds = nanoseconds / 1_000_000_000
        var rest = nanoseconds % 1_000_000_000
        if rest < 0 {
            rest += 1_000_000_000
            seconds -= 1
        }
        var days = seconds / 86400
        var second = seconds % 86400
        if second < 0 {
            second += 86400
            days -= 1
        }
        let (year, month, day) = Self.civil(days)
        var out: [UInt8] = []
        out.reserveCapacity(32)
        func put(_ value: Int64, _ width: Int) {
            var power: Int64 = 1
            for _ in 1..<width { power *= 10 }
            var value = value
            while power > 0 {
                out.append(UInt8(truncatingIfNeeded: 48 + value / power))
                value %= power
                power /= 10
            }
        }
        put(year, 4)
        out.append(UInt8(ascii: "-"))
        put(month, 2)
        out.append(UInt8(ascii: "-"))
        put(day, 2)
        out.append(UInt8(ascii: "T"))
        put(second / 3600, 2)
        out.append(UInt8(ascii: ":"))
        put(second / 60 % 60, 2)
        out.append(UInt8(ascii: ":"))
        put(second % 60, 2)
        if digits > 0 {
            out.append(UInt8(ascii: "."))
            var value = rest
            for _ in digits..<9 { value /= 10 }
            put(value, digits)
        }
        out.append(UInt8(ascii: "Z"))
        return out
    }

    /// Reads RFC 3339, with or without a fraction, with `Z` or an offset. Nil for anything else, and for times that
    /// 64 bits of nanoseconds do not reach (before 1678, after 2261).
    public init?(rfc3339 text: some StringProtocol) {
        let b = Array(text.utf8)
        func number(_ from: Int, _ count: Int) -> Int64? {
            guard from + count <= b.count else { return nil }
            var value: Int64 = 0
            for c in b[from..<from + count] {
                guard c >= 48, c <= 57 else { return nil }
                value = value * 10 + Int64(c - 48)
            }
            return value
        }
        guard b.count >= 20, b[4] == 0x2D, b[7] == 0x2D, b[10] == 0x54 || b[10] == 0x74, b[13] == 0x3A, b[16] == 0x3A,
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), let hour = number(11, 2),
            let minute = number(14, 2), let second = number(17, 2), (1...12).contains(month), (1...31).contains(day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var i = 19
        var fraction: Int64 = 0
        if b[i] == 0x2E {
            i += 1
            var scale: Int64 = 100_000_000
            let start = i
            while i < b.count, b[i] >= 48, b[i] <= 57 {
                fraction += Int64(b[i] - 48) * scale
                scale /= 10
                i += 1
            }
            if i == start { return nil }
        }
        guard i < b.count else { return nil }
        var offset: Int64 = 0
        if b[i] == 0x5A || b[i] == 0x7A {
            i += 1
        } else if b[i] == 0x2B || b[i] == 0x2D {
            guard i + 6 <= b.count, b[i + 3] == 0x3A, let h = number(i + 1, 2), let m = number(i + 4, 2) else {
                return nil
            }
            offset = (h * 3600 + m * 60) * (b[i] == 0x2D ? -1 : 1)
            i += 6
        } else {
            return nil
        }
        guard i == b.count else { return nil }
        let seconds = Self.days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        // 64 bits of nanoseconds reach from 1677 to 2262.
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = whole.addingReportingOverflow(fraction)
        if overflow || carry { return nil }
        nanoseconds = sum
    }

    /// Days since 1970 of a date of the proleptic Gregorian calendar, and back: the usual era arithmetic.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468
    }

    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let z = days + 719468
        let era = (z >= 0 ? z : z - 146096) / 146097
        let dayOfEra = z - era * 146097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let mp = (5 * dayOfYear + 2) / 153
        let month = mp < 10 ? mp + 3 : mp - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * mp + 2) / 5 + 1)
    }
}

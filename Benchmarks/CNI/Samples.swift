import Base

/// Measured durations.
struct Samples {
    private var durations: [Nanoseconds] = []

    mutating func append(_ duration: Nanoseconds) { durations.append(duration) }

    var median: Nanoseconds {
        let sorted = durations.sorted()
        return sorted.isEmpty ? Nanoseconds(0) : sorted[sorted.count / 2]
    }

    var least: Nanoseconds { durations.min() ?? Nanoseconds(0) }

    func report(_ name: String) {
        print("BENCH \(name)_p50 \(Self.milliseconds(median)) ms")
        print("BENCH \(name)_min \(Self.milliseconds(least)) ms")
    }

    static func milliseconds(_ duration: Nanoseconds) -> String { decimal(duration.count / 1000) }

    /// Thousandths as a decimal number.
    static func decimal(_ thousandths: Int64) -> String {
        let fraction = String(thousandths % 1000)
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.utf8.count) + fraction
    }

    /// How many times `other` is in this one.
    static func ratio(_ one: Nanoseconds, _ other: Nanoseconds) -> String {
        decimal(one.count * 1000 / max(other.count, 1))
    }
}

import Base

/// Measured durations.
struct Samples {
    private let sorted: [Nanoseconds]

    init(_ durations: [Nanoseconds]) throws {
        guard !durations.isEmpty else { throw Problem("nothing was measured") }
        sorted = durations.sorted()
    }

    /// The smallest duration that `percent` of all do not exceed.
    func percentile(_ percent: Int) -> Nanoseconds {
        sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
    }

    func report(_ name: String) {
        print("BENCH \(name)_p50 \(milliseconds(percentile(50))) ms")
        print("BENCH \(name)_p99 \(milliseconds(percentile(99))) ms")
        print("BENCH \(name)_min \(milliseconds(sorted[0])) ms")
    }

    private func milliseconds(_ duration: Nanoseconds) -> String {
        let hundredths = (duration.count + 5_000) / 10_000
        let fraction = String(hundredths % 100)
        return "\(hundredths / 100).\(fraction.count < 2 ? "0" + fraction : fraction)"
    }
}

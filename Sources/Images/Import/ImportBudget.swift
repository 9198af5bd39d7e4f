import Base
import Synchronization

/// What an import has used of its limits, counted by all of its threads; also how one thread's failure stops the
/// others.
final class ImportBudget: Sendable {
    let limits: ImageLimits
    /// `limits.expandedBytes`, or less when the disk has less.
    private let expandedLimit: Int64
    private let expanded = Atomic<Int64>(0)
    private let entries = Atomic<Int>(0)
    private let remembered = Atomic<Int>(0)
    private let cancelled = Atomic<Bool>(false)
    private let nextReport = Atomic<Int64>(0)
    private let report: @Sendable (Int64) -> Void

    /// - Parameter report: called with the bytes expanded so far, from any thread, a few times a second.
    init(_ limits: ImageLimits, freeBytes: Int64, report: @escaping @Sendable (Int64) -> Void = { _ in }) {
        self.limits = limits
        self.report = report
        expandedLimit = min(limits.expandedBytes, freeBytes)
    }

    /// Bytes expanded so far.
    var expandedBytes: Int64 { expanded.load(ordering: .relaxed) }

    func cancel() { cancelled.store(true, ordering: .relaxed) }

    func spend(bytes: Int64) throws(ImageError) {
        if cancelled.load(ordering: .relaxed) { throw ImageError(.cancelled, "another layer failed") }
        let total = expanded.wrappingAdd(bytes, ordering: .relaxed).newValue
        let now = BootInstant.now.nanoseconds
        let due = nextReport.load(ordering: .relaxed)
        if now >= due,
            nextReport.compareExchange(expected: due, desired: now + 250_000_000, ordering: .relaxed).exchanged
        {
            report(total)
        }
        // A wrap-around would come out negative.
        guard total >= 0, total <= expandedLimit else {
            if expandedLimit < limits.expandedBytes {
                throw ImageError(
                    .tooLarge, "the layers expand to more than the \(expandedLimit) bytes that are free in the store")
            }
            throw ImageError(.tooLarge, "the layers expand to more than \(expandedLimit) bytes")
        }
    }

    func countEntry() throws(ImageError) {
        if cancelled.load(ordering: .relaxed) { throw ImageError(.cancelled, "another layer failed") }
        if entries.wrappingAdd(1, ordering: .relaxed).newValue > limits.entries {
            throw ImageError(.tooLarge, "the layers have more than \(limits.entries) entries")
        }
    }

    func remember(_ bytes: Int) throws(ImageError) {
        if remembered.wrappingAdd(bytes + 64, ordering: .relaxed).newValue > limits.rememberedBytes {
            throw ImageError(.tooLarge, "the layers have too many directories, links and whiteouts")
        }
    }
}

/// A moment of a process's life: that a thread of it makes a call of this name for the `number`th time. It is what
/// strace can name: its `when=N` counts every name, and every thread, by itself.
struct SweepMoment: CustomStringConvertible {
    var call: String
    var number: Int

    var description: String { "\(call) number \(number)" }

    /// Arguments of strace that let something happen then: `signal=KILL` or `error=EIO`.
    func strace(_ injection: String) -> [String] {
        ["-e", "trace=\(call)", "-e", "inject=\(call):\(injection):when=\(number)"]
    }
}

/// What strace saw of calls.
struct SweepMoments {
    /// The most calls of a name that one thread made.
    private var most: [String: Int] = [:]

    /// - Parameter output: of strace, with or without the threads' numbers.
    init(_ output: String) {
        var calls: [Substring: [String: Int]] = [:]
        var first: Substring?
        for line in output.split(separator: "\n") {
            // `4711  openat(AT_FDCWD, ...`; the second half of an interrupted line says `<... openat resumed>`.
            let thread = line.prefix { $0.isNumber }
            let rest = line.dropFirst(thread.count).drop { $0 == " " }
            let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            guard !name.isEmpty, rest.dropFirst(name.count).first == "(" else { continue }
            if first == nil { first = thread }
            calls[thread, default: [:]][String(name), default: 0] += 1
        }
        for (thread, own) in calls {
            // Children up to their exec: each would be met anew, and for ever.
            if thread != first, own.keys.contains(where: { $0.hasPrefix("execve") }) { continue }
            for (name, count) in own where !name.hasPrefix("execve") { most[name] = max(most[name, default: 0], count) }
        }
    }

    /// All moments of these calls; of all that were seen without them. By name and number.
    func list(_ calls: String? = nil) -> [SweepMoment] {
        let wanted = calls?.split(separator: ",").map(String.init)
        return most.keys.filter { wanted?.contains($0) ?? true }.sorted().flatMap { name in
            (1...most[name, default: 1]).map { SweepMoment(call: name, number: $0) }
        }
    }
}

/// The difference of two texts, line by line, as `diff -u` prints it.
struct UnifiedDiff {
    private enum Line {
        case same(Substring)
        case removed(Substring)
        case added(Substring)

        var text: String {
            switch self {
            case .same(let line): " " + line
            case .removed(let line): "-" + line
            case .added(let line): "+" + line
            }
        }
        var isSame: Bool { if case .same = self { true } else { false } }
        var isOld: Bool { if case .added = self { false } else { true } }
        var isNew: Bool { if case .removed = self { false } else { true } }
    }

    /// Lines shown around each change.
    private static let context = 3
    private let lines: [Line]

    init(_ old: String, _ new: String) {
        let (old, new) = (Self.split(old), Self.split(new))
        let before = zip(old, new).prefix { $0 == $1 }.count
        let after = zip(old.dropFirst(before).reversed(), new.dropFirst(before).reversed()).prefix { $0 == $1 }.count
        lines =
            old.prefix(before).map { .same($0) }
            + Self.compare(Array(old[before..<(old.count - after)]), Array(new[before..<(new.count - after)]))
            + old.suffix(after).map { .same($0) }
    }

    private static func split(_ text: String) -> [Substring] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    /// By the longest common subsequence. Texts of manifests are short; what is not is shown as replaced whole.
    private static func compare(_ old: [Substring], _ new: [Substring]) -> [Line] {
        guard old.count * new.count <= 16 << 20 else { return old.map { .removed($0) } + new.map { .added($0) } }
        let width = new.count + 1
        var lengths = [Int32](repeating: 0, count: (old.count + 1) * width)
        for i in old.indices.reversed() {
            for j in new.indices.reversed() {
                lengths[i * width + j] =
                    old[i] == new[j]
                    ? lengths[(i + 1) * width + j + 1] + 1
                    : max(lengths[(i + 1) * width + j], lengths[i * width + j + 1])
            }
        }
        var lines: [Line] = []
        var (i, j) = (0, 0)
        while i < old.count, j < new.count {
            if old[i] == new[j] {
                lines.append(.same(old[i]))
                (i, j) = (i + 1, j + 1)
            } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
                lines.append(.removed(old[i]))
                i += 1
            } else {
                lines.append(.added(new[j]))
                j += 1
            }
        }
        return lines + old[i...].map { .removed($0) } + new[j...].map { .added($0) }
    }

    var isEmpty: Bool { lines.allSatisfy(\.isSame) }

    /// The lines of the diff without the names of the texts; empty when they are equal.
    var text: [String] {
        var out: [String] = []
        var start = 0
        while let first = lines[start...].firstIndex(where: { !$0.isSame }) {
            // Changes with little between them stand in one hunk.
            var last = first
            while let next = lines[(last + 1)...].firstIndex(where: { !$0.isSame }), next - last <= 2 * Self.context {
                last = next
            }
            let (begin, end) = (max(start, first - Self.context), min(lines.count, last + Self.context + 1))
            let hunk = lines[begin..<end]
            let (oldBefore, newBefore) = (lines[..<begin].count(where: \.isOld), lines[..<begin].count(where: \.isNew))
            let old = Self.range(oldBefore, hunk.count(where: \.isOld))
            let new = Self.range(newBefore, hunk.count(where: \.isNew))
            out.append("@@ -\(old) +\(new) @@")
            out += hunk.map(\.text)
            start = end
        }
        return out
    }

    private static func range(_ before: Int, _ count: Int) -> String {
        count == 1 ? "\(before + 1)" : "\(count == 0 ? before : before + 1),\(count)"
    }
}

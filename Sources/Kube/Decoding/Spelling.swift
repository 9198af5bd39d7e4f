/// Finds the word that was probably meant.
public enum Spelling {
    /// The word nearest to `text`: the same but for case, or at most a third of its letters away.
    public static func closest(to text: String, among words: [String]) -> String? {
        guard text.utf8.count <= 64 else { return nil }
        let lowered = Array(text.lowercased().utf8)
        var best: (word: String, distance: Int)?
        for word in words {
            let distance = distance(lowered, Array(word.lowercased().utf8))
            if distance <= max(1, min(lowered.count, word.utf8.count) / 3), distance < best?.distance ?? .max {
                best = (word, distance)
            }
        }
        return best?.word
    }

    /// Letters to add, remove, change or swap.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [Int](repeating: i, count: b.count + 1)
            for j in 1...b.count {
                let change = a[i - 1] == b[j - 1] ? 0 : 1
                row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + change)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    row[j] = min(row[j], beforeLast[j - 2] + 1)
                }
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}

/// A Content-Range header: `bytes 100-199/200`.
struct ContentRange: Hashable, Sendable {
    var first: Int64
    var last: Int64
    /// Nil when the server does not say.
    var total: Int64?

    /// Nil for anything else.
    init?(_ text: String) {
        guard text.lowercased().hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]), first <= last else {
            return nil
        }
        self.first = first
        self.last = last
        total = Self.number(parts[1])
        if total == nil, parts[1] != "*" { return nil }
        if let total, last >= total { return nil }
    }

    private static func number(_ text: Substring) -> Int64? {
        text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int64(text) : nil
    }

    /// Whether it is what was asked for: from `offset` to the end of a blob of `size` bytes.
    func continues(at offset: Int64, of size: Int64) -> Bool {
        first == offset && last == size - 1 && (total ?? size) == size
    }
}

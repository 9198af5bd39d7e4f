/// Finds the keys that leave a session in what is typed. A beginning of them is held back until it is clear that it is
/// none.
struct DetachKeys: Equatable {
    /// As docker and podman have them.
    static let usual = "ctrl-p,ctrl-q"

    private let keys: [UInt8]
    private var held: [UInt8] = []

    /// - Parameter text: keys with commas between, each a letter, digit or sign, or `ctrl-` and a letter or one of
    ///   `@[\]^_`.
    init(_ text: String) throws(CLIError) {
        keys = try text.split(separator: ",", omittingEmptySubsequences: false).map { (word) throws(CLIError) in
            guard let key = Self.key(word) else {
                throw .usage("--detach-keys: \"\(word)\" is no key; write \(Self.usual) or a,b")
            }
            return key
        }
    }

    private static func key(_ word: Substring) -> UInt8? {
        let bytes = Array(word.utf8)
        if bytes.count == 1, bytes[0] > 0x20, bytes[0] < 0x7F { return bytes[0] }
        guard bytes.count == 6, word.lowercased().hasPrefix("ctrl-") else { return nil }
        switch bytes[5] {
        case 0x61...0x7A: return bytes[5] - 0x60
        case 0x40...0x5F: return bytes[5] - 0x40
        default: return nil
        }
    }

    /// What of the typed bytes is to be passed on, and whether the keys were among them.
    mutating func take(_ bytes: some Sequence<UInt8>) -> (passed: [UInt8], isComplete: Bool) {
        var passed: [UInt8] = []
        for byte in bytes {
            held.append(byte)
            if held == keys { return (passed, true) }
            while !held.isEmpty, !keys.starts(with: held) { passed.append(held.removeFirst()) }
        }
        return (passed, false)
    }
}

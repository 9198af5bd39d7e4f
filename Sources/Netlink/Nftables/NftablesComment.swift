/// The comment in the user data of a rule or element: a type, a length and a text with its terminating zero, as `nft`
/// writes and prints it.
public enum NftablesComment {
    /// The most bytes of a comment: the user data of an element has 254 at most.
    public static let limit = 251

    private static let type: UInt8 = 0

    static func encode(_ comment: String) -> [UInt8] {
        let text = comment.utf8.prefix(limit)
        return [type, UInt8(text.count + 1)] + text + [0]
    }

    /// Empty when there is none.
    static func decode(_ userData: [UInt8]) -> String {
        var rest = userData[...]
        while rest.count >= 2, let type = rest.first {
            let length = Int(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            guard length <= rest.count else { break }
            if type == Self.type { return String(decoding: rest.prefix(length).prefix { $0 != 0 }, as: UTF8.self) }
            rest = rest.dropFirst(length)
        }
        return ""
    }
}

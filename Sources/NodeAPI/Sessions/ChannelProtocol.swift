/// A subprotocol of WebSocket that the kubelet speaks: the first byte of a message is the number of its channel.
struct ChannelProtocol: Hashable {
    enum Version: Comparable {
        /// What goes wrong is told as a sentence.
        case first
        /// The end of a process is told as a v1 Status, with its exit code.
        case fourth
        /// The client can close the standard input.
        case fifth
    }

    var name: String
    var version: Version
    /// Messages are texts: the channel's number as a digit, then base64.
    var isBase64 = false

    private static let v5 = Self(name: "v5.channel.k8s.io", version: .fifth)
    private static let v4 = Self(name: "v4.channel.k8s.io", version: .fourth)
    private static let v4Base64 = Self(name: "v4.base64.channel.k8s.io", version: .fourth, isBase64: true)
    private static let v1 = Self(name: "channel.k8s.io", version: .first)
    private static let v1Base64 = Self(name: "base64.channel.k8s.io", version: .first, isBase64: true)

    /// For `exec` and `attach`.
    static let process = [v5, v4, v4Base64, v1, v1Base64]
    /// For `portForward`.
    static let ports = [v4, v4Base64]

    /// The one to speak with a client that offers `names`, which chooses by its order; nil when it knows none of ours.
    /// A client that offers none gets what the kubelet takes then.
    static func agreed(_ names: [String], among known: [ChannelProtocol]) -> ChannelProtocol? {
        if names.isEmpty { return known.contains(v1) ? v1 : known.first }
        for name in names {
            if let found = known.first(where: { $0.name == name }) { return found }
        }
        return nil
    }
}

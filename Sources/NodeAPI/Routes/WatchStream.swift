import JSON

/// A client's watch. One that reads too slowly is told so and ended: it lists again and watches on, as with Kubernetes.
final class WatchStream {
    static let mostPending = 8 << 20

    private let isWanted: (JSONValue) -> Bool
    private let stream: ByteStream
    private var isEnded = false
    var subscription: Subscription?

    init(_ stream: ByteStream, _ isWanted: @escaping (JSONValue) -> Bool) {
        self.stream = stream
        self.isWanted = isWanted
    }

    func send(_ event: WatchEvent) {
        guard !isEnded, isWanted(event.object) else { return }
        let line = Self.line(event)
        guard stream.pending + line.count <= Self.mostPending else {
            stream.write(Self.expired)
            end()
            return stream.finish()
        }
        stream.write(line)
    }

    func end() {
        isEnded = true
        subscription?.cancel()
        subscription = nil
    }

    static func line(_ event: WatchEvent) -> [UInt8] {
        JSONWriter().bytes(["type": .string(event.kind.rawValue), "object": event.object]) + [0x0A]
    }

    /// After what was there when the watch began.
    static let endOfInitialEvents =
        JSONWriter().bytes([
            "type": "BOOKMARK",
            "object": ["metadata": ["annotations": ["k8s.io/initial-events-end": "true"]]],
        ]) + [0x0A]

    private static let expired =
        JSONWriter().bytes([
            "type": "ERROR",
            "object": [
                "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "reason": "Expired",
                "message": "the client reads too slowly", "code": 410,
            ],
        ]) + [0x0A]
}

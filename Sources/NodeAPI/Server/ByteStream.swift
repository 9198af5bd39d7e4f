import HTTP

/// The body of a response that comes bit by bit, or the raw bytes both ways after a switch of protocols.
final class ByteStream {
    private weak var connection: Connection?
    private let isChunked: Bool

    /// The client has taken what was waiting: more can be written.
    var onDrained: (() -> Void)?
    /// Bytes from the client, after a switch of protocols.
    var onInput: (([UInt8]) -> Void)?
    /// The client is gone. Called once, and not after `finish`.
    var onClosed: (() -> Void)?

    init(_ connection: Connection, isChunked: Bool) {
        self.connection = connection
        self.isChunked = isChunked
    }

    /// Bytes that wait to be sent.
    var pending: Int { connection?.pendingOutput ?? 0 }

    /// Whether the producer should pause until `onDrained`.
    var isCongested: Bool { connection?.isCongested ?? false }

    func write(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        connection?.send(isChunked ? HTTPSerializer.chunk(bytes) : bytes)
    }

    /// Ends the stream after what was written. No closure is called any more.
    func finish() {
        guard let connection else { return }
        release()
        if isChunked { connection.send(HTTPSerializer.lastChunk) }
        connection.streamFinished()
    }

    /// Stops and goes on reading from the client, after a switch of protocols.
    func pauseInput() { connection?.pauseReading() }
    func resumeInput() { connection?.resumeReading() }

    func closedByClient() {
        let handler = onClosed
        release()
        handler?()
    }

    private func release() {
        connection = nil
        onDrained = nil
        onInput = nil
        onClosed = nil
    }
}

import JSON

/// The answer to a request that brings images: one at the end, or with `progress=true` a stream of JSON objects, one a
/// line, of which the last says how it ended.
final class ImageReport {
    private let exchange: Exchange
    private let isStream: Bool
    /// Nil when the client is gone.
    private var stream: ByteStream?
    /// What is reported of: cancelled when the client of a stream goes. What is not a stream goes on to its end.
    var work: Subscription?

    /// - Parameter isStream: the client wants to be told how far it is.
    init(_ exchange: Exchange, isStream: Bool) {
        self.exchange = exchange
        self.isStream = isStream
        guard isStream else { return }
        stream = exchange.stream(type: "application/json")
        stream?.onClosed = { [self] in
            stream = nil
            work?.cancel()
            work = nil
        }
    }

    func progress(_ progress: ImageProgress) {
        // A client that does not read is told the end.
        guard let stream, !stream.isCongested else { return }
        write(["type": "PROGRESS", "progress": progress.json])
    }

    func finish(_ result: Result<[ImageSummary], NodeServiceError>) {
        work = nil
        guard isStream else { return Router.answer(exchange, result) }
        switch result {
        case .success(let images): write(["type": "DONE", "items": .array(images.map(Router.json))])
        case .failure(let error): write(["type": "ERROR", "message": .string(error.message)])
        }
        stream?.finish()
        stream = nil
    }

    private func write(_ line: JSONValue) { stream?.write(JSONWriter().bytes(line) + [0x0A]) }
}

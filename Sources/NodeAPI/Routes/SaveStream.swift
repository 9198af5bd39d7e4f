/// Images on their way to a client: frames of a byte that says what follows, four bytes of length, and that.
final class SaveStream {
    /// What a frame carries.
    enum Kind: UInt8 {
        /// A piece of the archive.
        case bytes = 0
        /// Why it ends here: the archive is worth nothing.
        case failure = 1
        /// Nothing; the archive is complete.
        case end = 2
    }

    private var stream: ByteStream?
    private var saving: (any ImageSaving)?

    func start(_ exchange: Exchange, _ service: any NodeService, _ references: [String], _ format: String) {
        let saving: any ImageSaving
        do throws(NodeServiceError) {
            saving = try service.saveImages(
                references, format: format, output: { self.put(.bytes, $0) }, completion: { self.end($0) })
        } catch {
            return exchange.respond(error)
        }
        guard let stream = exchange.stream(type: "application/vnd.swiftlet.image-frames") else {
            return saving.cancel()
        }
        (self.saving, self.stream) = (saving, stream)
        stream.onClosed = { self.stop() }
        stream.onDrained = { self.saving?.resume() }
    }

    private func put(_ kind: Kind, _ bytes: [UInt8]) {
        let count = UInt32(bytes.count)
        let head = [kind.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
        stream?.write(head + bytes)
        if stream?.isCongested == true { saving?.pause() }
    }

    private func end(_ result: Result<Void, NodeServiceError>) {
        switch result {
        case .success: put(.end, [])
        case .failure(let error): put(.failure, Array(error.message.utf8))
        }
        stream?.finish()
        (stream, saving) = (nil, nil)
    }

    private func stop() {
        saving?.cancel()
        (stream, saving) = (nil, nil)
    }
}

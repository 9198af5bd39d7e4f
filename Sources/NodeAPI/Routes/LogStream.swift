import Base
import JSON

/// Sends a log to a client, as fast as the client takes it, and when it is followed for as long as there is more.
final class LogStream {
    private let service: any NodeService
    private let loop: EventLoop
    private let namespace: String
    private let pod: String
    private let container: String?
    private let options: LogOptions
    private let reader: LogReader
    private var stream: ByteStream?
    private var subscription: Subscription?
    private var folder: FolderWatch?
    private var isScheduled = false

    init(
        service: any NodeService, loop: EventLoop, namespace: String, pod: String, container: String?,
        options: LogOptions
    ) throws(NodeServiceError) {
        self.service = service
        self.loop = loop
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.options = options
        let source = try service.logSource(
            namespace: namespace, pod: pod, container: container, previous: options.previous)
        do throws(SystemError) { reader = try LogReader(source, options) } catch {
            throw .failed("cannot read the log: \(error)")
        }
    }

    func start(_ exchange: Exchange) {
        guard let stream = exchange.stream(type: "text/plain; charset=utf-8") else { return }
        self.stream = stream
        // The stream keeps this object until it is finished or closed.
        stream.onClosed = { self.stop() }
        stream.onDrained = { self.pump() }
        if options.follows {
            subscription = service.watchPods { [weak self] in self?.podChanged($0) }
            watchFolder()
        }
        pump()
    }

    private func stop() {
        stream = nil
        subscription?.cancel()
        subscription = nil
        folder = nil
    }

    /// Sends what there is, until the client is behind or there is nothing more for now.
    private func pump() {
        guard let stream, !isScheduled else { return }
        do throws(SystemError) {
            // A few pieces a turn: the loop has other work.
            for _ in 0..<8 {
                if stream.isCongested { return }
                switch try reader.next() {
                case .bytes(let bytes): stream.write(bytes)
                case .nothingYet: return
                case .end: return finish()
                }
            }
            isScheduled = true
            loop.enqueue { [weak self] in
                self?.isScheduled = false
                self?.pump()
            }
        } catch {
            stream.write(Array("swiftlet: cannot read the log: \(error)\n".utf8))
            finish()
        }
    }

    private func finish() {
        let stream = self.stream
        stop()
        stream?.finish()
    }

    private func podChanged(_ event: WatchEvent) {
        let metadata = event.object["metadata"]
        guard metadata?["name"]?.stringValue == pod, metadata?["namespace"]?.stringValue == namespace else { return }
        if event.kind == .deleted {
            endWithPod()
        } else {
            do throws(NodeServiceError) {
                let source = try service.logSource(
                    namespace: namespace, pod: pod, container: container, previous: options.previous)
                // Another pod of the same name is not the one that is followed.
                if source.folder == reader.source.folder { reader.update(source) } else { endWithPod() }
            } catch {
                // A container that waits for its next start has no log to name for a moment; a pod that is gone
                // is told by its deletion.
            }
        }
        watchFolder()
        pump()
    }

    private func endWithPod() {
        var last = reader.source
        last.isComplete = true
        reader.update(last)
    }

    private func watchFolder() {
        guard folder == nil, stream != nil else { return }
        folder = try? FolderWatch(loop, reader.source.folder) { [weak self] in self?.pump() }
    }
}

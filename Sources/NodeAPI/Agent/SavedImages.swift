import Base
import Images
import NodeAgent

/// Hands what a worker saves on to a client.
@LoopActor
final class SavedImages: @LoopActor ImageSaving {
    private let loop: EventLoop
    private let output: ([UInt8]) -> Void
    private let completion: (Result<Void, NodeServiceError>) -> Void
    private var pipe: SharedDescriptor?
    private var watch: EventLoop.Token?
    private var result: Result<Void, NodeServiceError>?
    private var isOver = false
    private var isPaused = false
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)

    init(
        loop: EventLoop, output: @escaping ([UInt8]) -> Void,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void
    ) {
        self.loop = loop
        self.output = output
        self.completion = completion
    }

    func start(_ pipe: SharedDescriptor) throws(SystemError) {
        self.pipe = pipe
        watch = try loop.watch(pipe.descriptor, for: .readable) { [weak self] _ in self?.read() }
    }

    /// The worker has ended. What it wrote may still wait in the pipe.
    func finish(_ result: Result<Void, NodeServiceError>) {
        self.result = result
        if pipe == nil { end() }
    }

    func pause() {
        isPaused = true
        if let watch { loop.silence(watch) }
    }

    func resume() {
        guard isPaused, let watch else { return }
        isPaused = false
        do throws(SystemError) { try loop.update(watch, for: .readable) } catch {
            finish(.failure(.failed("cannot go on saving: \(error)")))
            closePipe()
        }
    }

    func cancel() {
        isOver = true
        closePipe()
    }

    private func read() {
        guard let pipe, !isPaused else { return }
        do throws(SystemError) {
            guard let count = try pipe.descriptor.read(into: &buffer) else { return }
            if count > 0 { return output(Array(buffer[..<count])) }
        } catch {
            result = .failure(.failed("cannot read what is saved: \(error)"))
        }
        closePipe()
        if result != nil { end() }
    }

    private func closePipe() {
        if let watch { loop.unwatch(watch) }
        (watch, pipe) = (nil, nil)
    }

    private func end() {
        guard !isOver, let result else { return }
        isOver = true
        completion(result)
    }
}

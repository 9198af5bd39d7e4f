import Base
import CLinux
import Images

/// The pulls that are going on: a worker process each, not too many at once, and one for all who want the same.
@LoopActor
final class ImagePulls {
    typealias Answer = Result<StoredImage, PullError>

    /// A pull and those who wait for it.
    @LoopActor
    private final class Flight {
        let credentials: [String]
        var worker: ImageWorkerProcess?
        var waiters: [Int: (continuation: CheckedContinuation<Answer, Never>, progress: (PullProgress) -> Void)] = [:]
        /// Who begins one of their own when this one is over.
        var followers: [CheckedContinuation<Void, Never>] = []
        /// Nobody wants it any more.
        var isAbandoned = false

        init(_ credentials: [String]) { self.credentials = credentials }
    }

    private static let mostAtOnce = 3
    /// What the worker needs of the agent's environment: how the network is reached, and where credentials are kept.
    private static let variables = [
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "HOME",
    ]

    private let store: ImageStore
    private let loop: EventLoop
    private var flights: [String: Flight] = [:]
    private var running = 0
    private var nextWaiter = 0
    private var queue: [() -> Void] = []

    init(store: ImageStore, loop: EventLoop) {
        self.store = store
        self.loop = loop
    }

    /// Called when a worker was killed in the middle, which leaves its folder in the store.
    var onAbandoned: () -> Void = {}

    /// - Throws: `PullError`, at once when the calling task is cancelled. A pull that nobody waits for ends.
    func pull(
        _ reference: ImageReference, _ credentials: [String], _ files: PullFiles,
        _ progress: @escaping (PullProgress) -> Void
    ) async throws(PullError) -> StoredImage {
        let key = reference.canonical
        // With other credentials, the registry decides anew; what came meanwhile does not come again.
        while let flight = flights[key], flight.isAbandoned || flight.credentials != credentials {
            await withCheckedContinuation { flight.followers.append($0) }
        }
        let flight: Flight
        if let found = flights[key] {
            flight = found
        } else {
            flight = Flight(credentials)
            flights[key] = flight
            queue.append { [weak self] in self?.start(flight, reference, files) }
        }
        let waiter = nextWaiter
        nextWaiter += 1
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation {
                flight.waiters[waiter] = ($0, progress)
                // A worker's end comes over the loop, after this.
                startNext()
            }
        } onCancel: {
            Task { @LoopActor [weak self] in self?.leave(flight, waiter) }
        }
        return try answer.get()
    }

    private func leave(_ flight: Flight, _ waiter: Int) {
        guard let (continuation, _) = flight.waiters.removeValue(forKey: waiter) else { return }
        continuation.resume(returning: .failure(PullError(.unavailable, "the pull was given up")))
        guard flight.waiters.isEmpty else { return }
        flight.isAbandoned = true
        flight.worker?.kill()
    }

    /// The names that are being pulled.
    var names: Set<String> { Set(flights.keys) }

    private func startNext() {
        while running < Self.mostAtOnce, !queue.isEmpty {
            running += 1
            queue.removeFirst()()
        }
    }

    private func start(_ flight: Flight, _ reference: ImageReference, _ files: PullFiles) {
        if flight.isAbandoned {
            return finish(flight, reference, .failure(ImageError(.cancelled, "nobody waits for it")))
        }
        let arguments = [
            "pull", "--store", store.root, "--registries", files.registries, "--signatures", files.signatures,
            reference.canonical,
        ]
        var environment = Self.variables.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
        // libcurl reads this one only in small letters: for a CGI program it would be a client's header.
        if getenv("http_proxy") == nil, let proxy = getenv("HTTP_PROXY") {
            environment.append("http_proxy=\(String(cString: proxy))")
        }
        do throws(SystemError) {
            flight.worker = try ImageWorkerProcess(
                arguments, input: PullInput(credentials: flight.credentials).bytes, environment: environment,
                endsWithAgent: true, loop: loop,
                progress: { message in
                    guard case .pulling(let progress) = message else { return }
                    for waiter in flight.waiters.values { waiter.progress(progress) }
                },
                completion: { [weak self] in self?.finish(flight, reference, $0) })
        } catch {
            let failure = ImageError(.storage, "cannot start the image worker: \(error)")
            loop.enqueue { [weak self] in self?.finish(flight, reference, .failure(failure)) }
        }
    }

    private func finish(
        _ flight: Flight, _ reference: ImageReference, _ result: Result<ImageWorkerMessage, ImageError>
    ) {
        let wasKilled = flight.isAbandoned && flight.worker != nil
        flight.worker = nil
        flights[reference.canonical] = nil
        running -= 1
        let answer = answer(result)
        for (_, waiter) in flight.waiters { waiter.continuation.resume(returning: answer) }
        flight.waiters = [:]
        for follower in flight.followers { follower.resume() }
        flight.followers = []
        if wasKilled { onAbandoned() }
        startNext()
    }

    private func answer(_ result: Result<ImageWorkerMessage, ImageError>) -> Answer {
        switch result {
        case .failure(let error): return .failure(PullError(error))
        case .success(.notPulled(let error)): return .failure(error)
        case .success(.pulled(let loaded)):
            do throws(ImageError) {
                if let image = try store.resolve(loaded.id) { return .success(image) }
                return .failure(PullError(.storage, "the image was removed while it was pulled; try again"))
            } catch {
                return .failure(PullError(error))
            }
        case .success: return .failure(PullError(.storage, "the image worker gave an answer that does not fit"))
        }
    }
}

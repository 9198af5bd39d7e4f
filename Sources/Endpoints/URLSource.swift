import Base
import CLinux
import HTTP
import HTTPClient
import PodSources

/// Follows a URL that answers with the pods of this node: v1 Pod, PodList or List, as JSON or YAML. What was last good
/// is kept at `path` and outlives the agent.
public final class URLSource: PodSource {
    private var answers: URLAnswers
    private let client: HTTPClient
    private let interval: Nanoseconds
    private let path: String
    private let loop: EventLoop
    private let work: any BlockingWork
    private var timer: EventLoop.Token?
    private var isStopped = false
    /// An answer is being kept.
    private var isSaving = false
    public var onReport: (SourceReport) -> Void = { _ in }

    /// - Parameters:
    ///   - path: where the last good answer is kept.
    ///   - lastGood: what the URL asked for by the records of pods, should nothing usable be kept.
    public init(
        _ url: HTTPURL, options: ClientOptions, every interval: Nanoseconds, path: String,
        lastGood: [ManifestPod] = [], loop: EventLoop, work: any BlockingWork
    ) {
        self.interval = interval
        self.path = path
        self.loop = loop
        self.work = work
        client = HTTPClient(url, options: options, loop: loop, work: work)
        let saved = SavedAnswer.read(path)
        let kept = saved.flatMap { try? ManifestReader.read($0.body, path: url.description, isFile: false) }
        answers = URLAnswers(
            url, contents: kept ?? ManifestContents(pods: lastGood), saved: kept == nil ? nil : saved)
    }

    /// Whether a place in a record is a URL.
    public static func isURL(_ place: String) -> Bool { place.hasPrefix("https://") || place.hasPrefix("http://") }

    /// Forgets what a URL, which is no source any more, last asked for.
    public static func forget(_ path: String) throws(SystemError) { try Files.remove(path) }

    /// What is wrong now; nil when the URL's last answer was good, or none has come yet.
    public var problem: String? { answers.problems.first?.message }
    public var hasAnswered: Bool { answers.hasAnswered }
    public var url: HTTPURL { client.url }

    public func start() throws(SystemError) {
        report()
        ask()
    }

    public func refresh() {
        guard !isStopped, !isSaving, !client.isBusy else { return }
        if let timer { loop.cancel(timer) }
        ask()
    }

    public func stop() {
        isStopped = true
        if let timer { loop.cancel(timer) }
        timer = nil
        client.close()
        onReport = { _ in }
    }

    private func ask() {
        timer = nil
        client.send(ClientRequest("GET", headers: answers.requestFields)) { [weak self] in self?.answered($0) }
    }

    private func answered(_ result: Result<ClientResponse, ClientError>) {
        guard !isStopped else { return }
        let asked = (try? result.get()).flatMap { RetryDelay.asked($0.head, now: .now) }
        switch answers.take(result) {
        case .unchanged: wait(asked)
        case .problem:
            report()
            wait(asked)
        case .good(let contents, let answer): keep(contents, answer)
        }
    }

    /// Makes the answer durable, and then what is wanted: an agent that is killed goes on with what it had begun.
    private func keep(_ contents: ManifestContents, _ answer: SavedAnswer) {
        isSaving = true
        let path = path
        let kept = answer.withoutSecrets(contents)
        work.run {
            Result { () throws(SystemError) in
                try Files.replace(path, with: kept.bytes, mode: 0o600, durable: true)
            }
        } then: { [weak self] result in
            guard let self, !isStopped else { return }
            isSaving = false
            switch result {
            case .success: answers.accept(contents, answer)
            case .failure(let error):
                if case .unchanged = answers.refuse("the answer is not used, since it cannot be kept: \(error)") {
                    return wait(nil)
                }
            }
            report()
            wait(nil)
        }
    }

    private func report() {
        onReport(
            SourceReport(
                claims: [.init(place: answers.url.description, contents: answers.contents)], problems: answers.problems)
        )
    }

    private func wait(_ asked: Nanoseconds?) {
        let delay = RetryDelay.spread(max(interval, asked ?? Nanoseconds(0)), random: RetryDelay.random())
        timer = loop.schedule(after: delay) { [weak self] in self?.ask() }
    }
}

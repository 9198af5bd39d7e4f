import Base
import HTTP
import HTTPClient
import Kube
import PodProtocol
import PodRuntime

/// A hook that runs: a process in the container, a request, or a time that passes.
@LoopActor
final class HookRun {
    /// Why a hook failed, for the log: what the container says in its answer stays with it.
    typealias Completion = (Result<Void, Failure>) -> Void

    struct Failure: Error, CustomStringConvertible {
        var description: String
        /// The supervisor was lost, and with it the end of the hook.
        var isLoss = false
        init(_ description: String, isLoss: Bool = false) {
            self.description = description
            self.isLoss = isLoss
        }
    }

    let hook: Hook
    let attempt: Int
    private let loop: EventLoop
    private var session: SupervisorSession?
    private var request: HTTPProbe?
    private var timer: EventLoop.Token?
    private var completion: Completion?

    init(_ hook: Hook, attempt: Int, loop: EventLoop, _ completion: @escaping Completion) {
        self.hook = hook
        self.attempt = attempt
        self.loop = loop
        self.completion = completion
    }

    func exec(_ command: [String], in container: String, by supervisor: SupervisorClient?) {
        guard let supervisor else { return later(.failure(Failure("the pod's supervisor is gone", isLoss: true))) }
        var handlers = SupervisorSession.Handlers()
        handlers.onEnd = { [weak self] result in
            switch result {
            case .success(let exit) where exit.code == 0 && exit.signal == 0: self?.end(.success(()))
            case .success(let exit): self?.end(.failure(Failure("it exited with \(exit.code)")))
            case .failure(let failure):
                self?.end(.failure(Failure(failure.message, isLoss: failure.code == .lost)))
            }
        }
        do throws(SystemError) {
            session = try supervisor.exec(ExecRequest(container: container, arguments: command), handlers)
        } catch {
            later(.failure(Failure("\(error)", isLoss: true)))
        }
    }

    /// Every answer is a good one, as for the kubelet. The time that it has is its container's.
    func get(_ url: HTTPURL, _ headers: [HTTPGetAction.Header], trust: UnverifiedTLS, work: any BlockingWork) {
        var fields = headers.map { HTTPHeaders.Field($0.name, $0.value) }
        if HTTPHeaders(fields)["User-Agent"] == nil { fields.append(.init("User-Agent", "kube-lifecycle/1.36")) }
        request = HTTPProbe(
            url, fields: fields, timeout: .seconds(1 << 31), trust: trust, acceptsEveryStatus: true, loop: loop,
            work: work
        ) { [weak self] outcome in
            switch outcome {
            case .failure(let message): self?.end(.failure(Failure(message)))
            case .success, .redirected, .unfinished: self?.end(.success(()))
            }
        }
    }

    func sleep(_ seconds: Int64) {
        timer = loop.schedule(after: .seconds(max(0, min(seconds, 1 << 31)))) { [weak self] in
            self?.timer = nil
            self?.end(.success(()))
        }
    }

    func fail(_ why: String) { later(.failure(Failure(why))) }

    /// Cuts it off: a process is killed, and nothing is told any more.
    func cancel() {
        completion = nil
        session?.close()
        request?.cancel()
        if let timer { loop.cancel(timer) }
        (session, request, timer) = (nil, nil, nil)
    }

    /// Nobody is called from inside the call that began it.
    private func later(_ result: Result<Void, Failure>) { loop.enqueue { [weak self] in self?.end(result) } }

    private func end(_ result: Result<Void, Failure>) {
        let completion = completion
        cancel()
        completion?(result)
    }
}

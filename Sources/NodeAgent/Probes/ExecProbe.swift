import Base
import CLinux
import PodProtocol
import PodRuntime

/// Runs a command in a container and tells how it ended. Used from the loop's thread only.
final class ExecProbe {
    /// Bytes of the output that are kept.
    static let outputLimit = 10 << 10

    private let command: [String]
    private let loop: EventLoop
    private var session: SupervisorSession?
    private var output: [UInt8] = []
    private var timer: EventLoop.Token?
    private var completion: ((ProbeOutcome) -> Void)?

    init(
        _ command: [String], in container: String, of supervisor: SupervisorClient, timeout: Nanoseconds,
        loop: EventLoop, completion: @escaping (ProbeOutcome) -> Void
    ) {
        self.command = command
        self.loop = loop
        self.completion = completion
        var handlers = SupervisorSession.Handlers()
        handlers.onOutput = { [weak self] _, bytes in self?.received(bytes) }
        handlers.onEnd = { [weak self] result in
            self?.session = nil
            self?.ended(result)
        }
        do throws(SystemError) {
            session = try supervisor.exec(ExecRequest(container: container, arguments: command), handlers)
        } catch {
            loop.enqueue { [weak self] in self?.finish(.error("the pod's supervisor does not answer: \(error)")) }
            return
        }
        timer = loop.schedule(after: timeout) { [weak self] in self?.timedOut() }
    }

    deinit { cancel() }

    /// Gives it up, and ends the command.
    func cancel() {
        completion = nil
        if let timer { loop.cancel(timer) }
        timer = nil
        session?.close()
        session = nil
    }

    private func received(_ bytes: [UInt8]) {
        output.append(contentsOf: bytes.prefix(max(0, Self.outputLimit - output.count)))
    }

    private func timedOut() {
        timer = nil
        finish(.failure("command \"\(command.joined(separator: " "))\" timed out"))
    }

    private func ended(_ result: Result<ChildProcess.Exit, RequestFailure>) {
        switch result {
        case .success(let exit) where exit.code == 0 && exit.signal == 0: finish(.success)
        case .success: finish(.failure(text))
        case .failure(let failure): finish(.error(failure.message))
        }
    }

    private var text: String {
        let end = output.lastIndex { $0 != 0x0A && $0 != 0x0D && $0 != 0x20 }
        return String(decoding: output[..<(end.map { $0 + 1 } ?? 0)], as: UTF8.self)
    }

    private func finish(_ outcome: ProbeOutcome) {
        let handler = completion
        cancel()
        handler?(outcome)
    }
}

import Base
import CLinux
import PodProtocol
import PodRuntime

/// An exec session of the API over one of the pod's supervisor.
final class SupervisedExec: ExecSession {
    /// Input that may wait in memory before the client is told to hold on.
    static let inputLimit = 256 << 10

    private var session: SupervisorSession?

    private init() {}

    static func start(
        _ request: ExecRequest, container: String, supervisor: SupervisorClient, client: ExecClient
    ) throws(NodeServiceError) -> SupervisedExec {
        let exec = SupervisedExec()
        var handlers = SupervisorSession.Handlers()
        handlers.onOutput = { channel, bytes in
            client.output(channel == .standardError ? .standardError : .standardOutput, bytes)
        }
        handlers.onInputDrained = { client.inputReady() }
        handlers.onEnd = { [weak exec] result in
            exec?.session = nil
            client.finished(
                result.map(\.code).mapError { failure in
                    NodeServiceError(status: failure.code == .failed ? 400 : 500, failure.message)
                })
        }
        let size =
            request.rows > 0 && request.columns > 0
            ? TerminalSize(rows: request.rows, columns: request.columns) : nil
        do throws(SystemError) {
            exec.session = try supervisor.exec(
                PodProtocol.ExecRequest(
                    container: container, arguments: request.command, terminal: request.tty,
                    standardInput: request.stdin, size: size),
                handlers)
        } catch {
            throw .failed("the pod's supervisor does not answer: \(error)")
        }
        return exec
    }

    func send(_ bytes: [UInt8]) -> Bool {
        guard let session else { return true }
        bytes.withUnsafeBytes { session.write($0) }
        return session.pendingInput < Self.inputLimit
    }

    func closeInput() { session?.closeInput() }

    func resize(rows: UInt16, columns: UInt16) {
        session?.resize(TerminalSize(rows: rows, columns: columns))
    }

    func pauseOutput() { session?.isOutputPaused = true }
    func resumeOutput() { session?.isOutputPaused = false }

    func cancel() {
        session?.close()
        session = nil
    }
}

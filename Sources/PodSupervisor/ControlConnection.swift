import Base
import PodProtocol

/// One connection of an agent: greets, reads requests, writes replies and events. With an `exec` or an `attach` it
/// becomes the session of a process.
final class ControlConnection {
    /// More waiting replies and events than this, and the peer has stopped reading: it is dropped, and asks again when
    /// it connects anew.
    static let maximumBacklog = 4 << 20

    let frames: FrameConnection
    private(set) var isSubscribed = false
    private var greeted = false
    private var session: (any Session)?
    private let hello: Hello

    var onRequest: ((ControlConnection, Request) -> Void)?
    var onEnd: ((ControlConnection) -> Void)?

    init(_ frames: FrameConnection, hello: Hello) {
        self.frames = frames
        self.hello = hello
        frames.endsWhilePaused = true
        frames.onFrame = { [weak self] in self?.received($0) }
        frames.onEnd = { [weak self] _ in self?.ended() }
        frames.send(.hello(hello))
    }

    func subscribe() { isSubscribed = true }

    func reply(_ id: Int64, _ result: Result<Reply.Value, RequestFailure>) {
        send(.reply(Reply(id: id, result)))
    }

    func send(_ event: PodEvent) { send(.event(event)) }

    /// Makes this connection the session of `session`.
    func become(_ session: any Session) { self.session = session }

    /// The session's process has ended, so its connection does; without `exit` the answer to its request has said why.
    func finishSession(_ exit: ChildProcess.Exit?) {
        session = nil
        if let exit { send(.sessionEnded(code: exit.code, signal: exit.signal)) }
        frames.closeWhenDrained()
        ended()
    }

    func close() {
        frames.close()
        ended()
    }

    private func send(_ message: Message) {
        frames.send(message)
        if frames.pendingOutput > Self.maximumBacklog { close() }
    }

    private func ended() {
        session?.disconnected()
        session = nil
        let handler = onEnd
        onEnd = nil
        onRequest = nil
        handler?(self)
    }

    private func received(_ frame: Frame) {
        if frame.channel == .standardInput, let session { return session.input(frame.payload) }
        guard frame.channel == .control, let message = try? Message(frame.payload) else { return close() }
        switch message {
        case .hello(let peer):
            // A peer without a common version has seen ours, and goes.
            guard !greeted, hello.agreed(with: peer) != nil else { return close() }
            greeted = true
        case .request(let request):
            guard greeted else { return close() }
            if case .resize(let size) = request.body {
                guard let session else {
                    return reply(
                        request.id, .failure(RequestFailure(.invalid, "resize: this connection has no session")))
                }
                reply(request.id, session.resize(size))
            } else if session != nil {
                reply(request.id, .failure(RequestFailure(.invalid, "this connection is the session of a process")))
            } else {
                onRequest?(self, request)
            }
        case .reply, .event, .unknownEvent: close()
        }
    }
}

import Base
import CLinux
import JSON
import PodProtocol

/// One local connection and the one to the pod that belongs to it: bytes both ways, held back by the slower side.
final class ForwardedConnection {
    private static let limit = 256 << 10

    /// One of the two sockets.
    private final class Side {
        let socket: SharedDescriptor
        var token: EventLoop.Token?
        var interest: Readiness = []
        var output: [UInt8] = []
        var inputEnded = false

        init(_ socket: SharedDescriptor) { self.socket = socket }

        /// Sends what waits; false when the other side is gone.
        func flush() -> Bool {
            while !output.isEmpty {
                let count = output.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if count < 0 {
                    let error = Errno.current
                    if error == .interrupted { continue }
                    return error == .again
                }
                output.removeFirst(count)
            }
            return true
        }
    }

    private let loop: EventLoop
    private let local: Side
    private let agent: Side
    private var decoder = FrameDecoder()
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    /// The pod has said all.
    private var isEnding = false
    private var isOver = false
    /// Called once, with what went wrong.
    private let onEnd: (String?) -> Void

    /// - Parameter received: what came of the agent after its answer.
    init(
        _ loop: EventLoop, local: SharedDescriptor, agent: SharedDescriptor, received: [UInt8],
        onEnd: @escaping (String?) -> Void
    ) {
        self.loop = loop
        self.local = Side(local)
        self.agent = Side(agent)
        self.onEnd = onEnd
        decoder.append(received)
    }

    func start() {
        do throws(SystemError) {
            for side in [local, agent] {
                try side.socket.descriptor.setNonBlocking()
                side.interest = .readable
                side.token = try loop.watch(side.socket.descriptor, for: .readable) { [weak self] readiness in
                    self?.ready(side, readiness)
                }
            }
        } catch {
            return end("\(error)")
        }
        takeFrames()
        settle()
    }

    private func ready(_ side: Side, _ readiness: Readiness) {
        if !isOver, !readiness.isDisjoint(with: [.readable, .hangup, .error]) {
            if side === local { readLocal() } else { readAgent() }
        }
        settle()
    }

    private func readLocal() {
        guard !local.inputEnded, !isEnding else { return }
        guard let count = read(local) else { return }
        if count == 0 { local.inputEnded = true }
        // No bytes are the end of the input.
        Frame.append(.standardInput, Array(buffer[..<count]), to: &agent.output)
    }

    private func readAgent() {
        guard let count = read(agent) else { return }
        guard count > 0 else { return isEnding ? () : end("the agent closed the connection") }
        decoder.append(Array(buffer[..<count]))
        takeFrames()
    }

    /// Nil when there is nothing yet.
    private func read(_ side: Side) -> Int? {
        let count = CLinux.read(side.socket.raw, &buffer, buffer.count)
        if count >= 0 { return count }
        let error = Errno.current
        return error == .again || error == .interrupted ? nil : 0
    }

    private func takeFrames() {
        do {
            while !isOver, let frame = try decoder.next() {
                switch frame.channel {
                case .standardOutput: local.output += frame.payload
                case .control:
                    let message = try JSONParser.parse(frame.payload)
                    if try message.requiredString("type") == "error" {
                        return end(try message.requiredString("message"))
                    }
                    isEnding = true
                default: break
                }
            }
        } catch {
            end("the agent's answer cannot be read: \(error)")
        }
    }

    /// Sends what can be sent, and watches for what is wanted next.
    private func settle() {
        guard !isOver else { return }
        // A client that reads no more has what it wanted.
        guard local.flush() else { return end(nil) }
        if isEnding, local.output.isEmpty { return end(nil) }
        guard agent.flush() else { return end("the agent closed the connection") }
        watch(local, reads: !local.inputEnded && !isEnding && agent.output.count < Self.limit)
        watch(agent, reads: !isEnding && local.output.count < Self.limit)
    }

    private func watch(_ side: Side, reads: Bool) {
        guard let token = side.token else { return }
        var wanted: Readiness = reads ? .readable : []
        if !side.output.isEmpty { wanted.insert(.writable) }
        guard wanted != side.interest else { return }
        side.interest = wanted
        if wanted.isEmpty { return loop.silence(token) }
        do throws(SystemError) { try loop.update(token, for: wanted) } catch { end("\(error)") }
    }

    private func end(_ problem: String?) {
        guard !isOver else { return }
        isOver = true
        for side in [local, agent] {
            if let token = side.token { loop.unwatch(token) }
            side.token = nil
            _ = shutdown(side.socket.raw, Int32(SHUT_RDWR))
        }
        onEnd(problem)
    }
}

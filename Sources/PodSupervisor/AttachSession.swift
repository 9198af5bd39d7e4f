import Base
import PodProtocol

/// One that is attached to a container: it sees what the container writes from now on, and may write to its input.
///
/// Neither the container nor the others wait for one that does not read: what does not fit its buffer is not kept for
/// it, and it is told how much it missed as soon as it reads again.
final class AttachSession: Session {
    /// Output waiting for the peer beyond which nothing more is kept for it.
    static let maximumBacklog = 64 * 1024

    private let connection: ControlConnection
    private weak var point: AttachPoint?
    private var passesInput: Bool
    private var skipped: Int64 = 0

    init(_ connection: ControlConnection, to point: AttachPoint, passesInput: Bool) {
        self.connection = connection
        self.point = point
        self.passesInput = passesInput
        // What it typed before it went still counts, also where the container takes its time to read.
        connection.frames.endsWhilePaused = false
        connection.frames.onDrained = { [weak self] in self?.tellSkipped() }
    }

    func output(_ channel: Frame.Channel, _ bytes: UnsafeRawBufferPointer) {
        if skipped > 0 || connection.frames.pendingOutput >= Self.maximumBacklog {
            skipped += Int64(bytes.count)
        } else {
            connection.frames.send(channel, bytes)
        }
    }

    private func tellSkipped() {
        guard skipped > 0 else { return }
        connection.send(.outputSkipped(bytes: skipped))
        skipped = 0
    }

    func input(_ bytes: [UInt8]) {
        guard passesInput, let point else { return }
        if bytes.isEmpty { passesInput = false }
        point.input(bytes)
        holdBack()
    }

    /// Reads from the peer only as long as the container takes its input.
    func holdBack() { connection.frames.isPaused = point?.isInputFull ?? false }

    func resize(_ size: TerminalSize) -> Result<Reply.Value, RequestFailure> {
        point?.resize(size) ?? .failure(RequestFailure(.notRunning, "resize: the container has ended"))
    }

    func disconnected() {
        connection.frames.onDrained = nil
        point?.remove(self)
        point = nil
    }

    /// The container has ended.
    func end(_ exit: ChildProcess.Exit?) {
        point = nil
        connection.frames.onDrained = nil
        tellSkipped()
        connection.finishSession(exit)
    }
}

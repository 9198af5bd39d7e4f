import Base
import CLinux

/// Frames over one connected Unix stream socket, on an event loop: what comes is handed on as it completes, what goes
/// waits in memory only as far as the kernel does not take it. The loop keeps it alive until it is closed or has ended.
public final class FrameConnection {
    /// Why a connection ended.
    public enum End: Hashable, Sendable, CustomStringConvertible {
        case peerClosed
        case failed(SystemError)
        /// The peer does not speak the protocol.
        case malformed(String)

        public var description: String {
            switch self {
            case .peerClosed: "the other side closed the connection"
            case .failed(let error): "\(error)"
            case .malformed(let what): "the other side does not speak the protocol: \(what)"
            }
        }
    }

    /// Receives each frame.
    public var onFrame: ((Frame) -> Void)?
    /// Called once, when the connection has ended without `close`.
    public var onEnd: ((End) -> Void)?
    /// Called when the last waiting byte was taken by the kernel.
    public var onDrained: (() -> Void)?
    /// Whether a peer that is gone ends the connection at once while reading is paused. Otherwise what it sent before
    /// is still delivered after `isPaused` is taken back.
    public var endsWhilePaused = false

    private let loop: EventLoop
    private let socket: SharedDescriptor
    private var watch: EventLoop.Token?
    private var interest: Readiness = []
    private var decoder = FrameDecoder()
    private var output: [UInt8] = []
    private var sent = 0
    private var isOpen = true
    private var closesWhenDrained = false

    /// Takes over a connected socket and begins to read from it in the loop's next turn.
    public init(_ socket: consuming FileDescriptor, on loop: EventLoop) throws(SystemError) {
        try socket.setNonBlocking()
        self.socket = SharedDescriptor(socket)
        self.loop = loop
        try updateWatch()
    }

    /// Stops the reading: the peer is held back once the kernel's buffers are full.
    public var isPaused = false {
        didSet {
            guard isOpen, isPaused != oldValue else { return }
            endOnFailure { () throws(SystemError) in try updateWatch() }
        }
    }

    /// Bytes that the kernel has not taken yet.
    public var pendingOutput: Int { output.count - sent }

    /// The process at the other end: for a socket that was accepted, the one that connected; for one that was
    /// connected, the one that listens.
    public func peer() throws(SystemError) -> (pid: pid_t, uid: uid_t) {
        var (pid, uid, gid): (pid_t, uid_t, gid_t) = (0, 0, 0)
        let raw = socket.raw
        try retrying("getsockopt SO_PEERCRED", "a connection") { swl_peer_credentials(raw, &pid, &uid, &gid) }
        return (pid, uid)
    }

    public func send(_ message: Message) {
        guard isOpen else { return }
        message.appendFrame(to: &output)
        flush()
    }

    /// Sends bytes of a stream, which must fit one frame.
    public func send(_ channel: Frame.Channel, _ bytes: UnsafeRawBufferPointer) {
        guard isOpen else { return }
        Frame.append(channel, bytes, to: &output)
        flush()
    }

    /// Closes without a further call of any handler.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        if let watch { loop.unwatch(watch) }
        watch = nil
        _ = shutdown(socket.raw, Int32(SHUT_RDWR))
        onFrame = nil
        onEnd = nil
        onDrained = nil
        output = []
        sent = 0
    }

    /// Closes once what was sent so far is with the kernel.
    public func closeWhenDrained() {
        guard isOpen else { return }
        if pendingOutput == 0 { return close() }
        closesWhenDrained = true
        onFrame = nil
    }

    /// Delivers what has come so far, up to the end of the connection: for a peer that is known to be gone.
    public func readRest() {
        isPaused = false
        while isOpen, receive() {}
    }

    private func end(_ reason: End) {
        guard isOpen else { return }
        let handler = onEnd
        close()
        handler?(reason)
    }

    private func endOnFailure(_ body: () throws(SystemError) -> Void) {
        do { try body() } catch { end(.failed(error)) }
    }

    private func updateWatch() throws(SystemError) {
        var wanted: Readiness = isPaused ? [] : .readable
        if pendingOutput > 0 { wanted.insert(.writable) }
        if let watch {
            if wanted != interest { try loop.update(watch, for: wanted) }
        } else if !wanted.isEmpty || endsWhilePaused {
            watch = try loop.watch(socket.descriptor, for: wanted) { self.ready($0) }
        }
        interest = wanted
    }

    private func ready(_ readiness: Readiness) {
        if readiness.contains(.writable) { flush() }
        guard isOpen else { return }
        if !isPaused {
            if !readiness.isDisjoint(with: [.readable, .hangup, .error]) { receive() }
        } else if !readiness.isDisjoint(with: [.hangup, .error]) {
            if endsWhilePaused { return end(.peerClosed) }
            // The kernel reports a hang-up for ever: look away until the reading goes on.
            if let watch { loop.unwatch(watch) }
            watch = nil
        }
    }

    /// Reads once; false when there is nothing to read. One read a turn: no connection starves the others.
    @discardableResult
    private func receive() -> Bool {
        let raw = socket.raw
        var nothing = false
        let end: End? = withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 16) { buffer in
            let count = recv(raw, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                decoder.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                return nil
            }
            if count == 0 { return .peerClosed }
            let error = Errno.current
            nothing = error == .again
            if nothing || error == .interrupted { return nil }
            return error == .connectionReset ? .peerClosed : .failed(SystemError("recv", "a connection", error))
        }
        if let end {
            self.end(end)
            return false
        }
        deliver()
        return !nothing
    }

    private func deliver() {
        while isOpen {
            do {
                guard let frame = try decoder.next() else { return }
                onFrame?(frame)
            } catch {
                return end(.malformed("\(error)"))
            }
        }
    }

    private func flush() {
        let raw = socket.raw
        while isOpen, pendingOutput > 0 {
            let count = output.withUnsafeBytes {
                CLinux.send(raw, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
                continue
            }
            let error = Errno.current
            if error == .interrupted { continue }
            if error == .again { break }
            // What the peer still sent before it went is read first: the end comes from there.
            if error == .brokenPipe || error == .connectionReset, !(isPaused && endsWhilePaused) {
                output = []
                sent = 0
                break
            }
            return end(error == .brokenPipe ? .peerClosed : .failed(SystemError("send", "a connection", error)))
        }
        guard isOpen else { return }
        if pendingOutput == 0 {
            if !output.isEmpty {
                output = []
                sent = 0
            }
            if closesWhenDrained { return close() }
        } else if sent > 64 * 1024 {
            output.removeFirst(sent)
            sent = 0
        }
        let drained = interest.contains(.writable) && pendingOutput == 0
        endOnFailure { () throws(SystemError) in try updateWatch() }
        if drained, isOpen { onDrained?() }
    }
}

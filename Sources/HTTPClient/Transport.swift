import Base
import CLinux
import TLS

/// One TCP connection on the loop, with TLS or without: bytes in, bytes out. Its closures are called from the loop, and
/// none any more after `close` or after `onEnd`.
final class Transport {
    private let loop: EventLoop
    private let socket: FileDescriptor
    private let address: SocketAddress
    private let tls: TLSConnection?
    private var token: EventLoop.Token?
    private var interest: Readiness = []
    private var output: [UInt8] = []
    private var sent = 0
    private var isConnected = false
    private var isOpen = false

    /// The connection is made, and trusted.
    var onOpen: () -> Void = {}
    var onBytes: (UnsafeRawBufferPointer) -> Void = { _ in }
    /// The server has ended the connection; with an error when it broke, or was never made.
    var onEnd: (ClientError?) -> Void = { _ in }

    init(_ loop: EventLoop, _ address: SocketAddress, tls: TLSConnection?) throws(SystemError) {
        self.loop = loop
        self.address = address
        self.tls = tls
        socket = try address.connect()
        token = try loop.watch(socket, for: .writable) { [weak self] in self?.ready($0) }
        interest = .writable
    }

    deinit { if let token { loop.unwatch(token) } }

    func send(_ bytes: [UInt8]) {
        guard token != nil else { return }
        if let tls {
            do throws(TLSError) { try tls.write(bytes) } catch { return fail(ClientError(.connection, error.message)) }
            queue(tls.takeOutput())
        } else {
            queue(bytes)
        }
        flush()
    }

    /// Everything that was to be sent has been.
    var hasSentAll: Bool { sent == output.count }

    /// Ends the connection; no closure is called any more.
    func close() {
        guard let token else { return }
        loop.unwatch(token)
        self.token = nil
        if let tls, isOpen, output.isEmpty {
            tls.shutdown()
            let farewell = tls.takeOutput()
            farewell.withUnsafeBytes { _ = swl_send_now(socket.raw, $0.baseAddress, $0.count) }
        }
        _ = shutdown(socket.raw, Int32(SHUT_RDWR))
        onOpen = {}
        onBytes = { _ in }
        onEnd = { _ in }
    }

    private func ready(_ readiness: Readiness) {
        // Whoever is told of something here may let go of this.
        withExtendedLifetime(self) {
            if !isConnected, !connected(readiness) { return }
            if readiness.contains(.writable) { flush() }
            if !readiness.isDisjoint(with: [.readable, .hangup, .error]) { read() }
        }
    }

    private func connected(_ readiness: Readiness) -> Bool {
        let error = Errno(rawValue: swl_socket_error(socket.raw))
        guard error.rawValue == 0 else {
            fail(ClientError(.connection, "connect to \(address): \(error)", errno: error))
            return false
        }
        guard readiness.contains(.writable) else { return false }
        isConnected = true
        if tls == nil { opened() } else { shakeHands() }
        return token != nil
    }

    private func opened() {
        isOpen = true
        updateInterest()
        onOpen()
    }

    private func shakeHands() {
        guard let tls else { return }
        do throws(TLSError) {
            let isComplete = try tls.handshake()
            queue(tls.takeOutput())
            flush()
            if isComplete, token != nil { opened() }
        } catch {
            // The server is told why, as far as it can be.
            queue(tls.takeOutput())
            flush()
            fail(ClientError(.trust, error.message))
        }
    }

    // MARK: Bytes

    private func read() {
        // At most this much of one connection in a turn of the loop.
        var buffer = [UInt8](repeating: 0, count: 32 << 10)
        let count: Int?
        do throws(SystemError) { count = try socket.read(into: &buffer) } catch {
            let message = "the connection to \(address) broke: \(error.errno)"
            return fail(ClientError(.connection, message, errno: error.errno))
        }
        guard let count else { return }
        guard let tls else {
            if count == 0 { return end(nil) }
            return buffer.withUnsafeBytes { onBytes(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        buffer.withUnsafeBytes { tls.receive(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        if count == 0 { tls.receiveEnd() }
        if !isOpen { shakeHands() }
        if isOpen { decrypt(tls, ended: count == 0) }
    }

    private func decrypt(_ tls: TLSConnection, ended: Bool) {
        do throws(TLSError) {
            while token != nil {
                switch try tls.read() {
                case .bytes(let plain): plain.withUnsafeBytes { onBytes($0) }
                case .end: return end(nil)
                case .nothing:
                    queue(tls.takeOutput())
                    return flush()
                }
            }
        } catch {
            // Without TLS's own end what came may be a part of what was sent.
            fail(ClientError(ended ? .connection : .trust, error.message))
        }
    }

    private func queue(_ bytes: [UInt8]) { if !bytes.isEmpty { output.append(contentsOf: bytes) } }

    private func flush() {
        guard isConnected, token != nil else { return }
        while sent < output.count {
            let count = output.withUnsafeBytes { bytes in
                CLinux.send(
                    socket.raw, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                let error = Errno.current
                if error == .interrupted { continue }
                // What the server said before it stopped reading is still to be read: `read` tells of the end.
                if error != .again { sent = output.count }
                break
            }
            sent += count
        }
        if sent == output.count {
            output = []
            sent = 0
        }
        updateInterest()
    }

    private func updateInterest() {
        guard let token, isConnected else { return }
        let wanted: Readiness = output.isEmpty ? .readable : [.readable, .writable]
        guard wanted != interest else { return }
        interest = wanted
        do throws(SystemError) { try loop.update(token, for: wanted) } catch {
            fail(ClientError(.connection, "\(error)"))
        }
    }

    private func fail(_ error: ClientError) { end(error) }

    private func end(_ error: ClientError?) {
        guard token != nil else { return }
        let handler = onEnd
        close()
        handler(error)
    }
}

import Base
import CLinux
import JSON
import PodProtocol

/// Carries bytes between this process and a program in a container, until one of them ends.
final class ExecLoop {
    enum End: Equatable {
        case exit(Int32)
        case failed(String)
        /// The connection ended without an exit code.
        case lost
        /// This process was told to end.
        case signal(Int32)
        /// The person has typed the keys that leave the session.
        case detached
    }

    /// Bytes that wait to be sent before standard input is read no further.
    private static let congestion = 256 << 10

    private let socket: SharedDescriptor
    private let terminal: Terminal?
    private var decoder = FrameDecoder()
    private var output: [UInt8] = []
    private var readsInput: Bool
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private let input: Int32
    private let write: (Int32, ArraySlice<UInt8>) -> Void
    /// Keys that leave the session; nil for none.
    var detachKeys: DetachKeys?

    init(
        _ socket: SharedDescriptor, _ received: [UInt8], passesInput: Bool, terminal: Terminal?,
        input: Int32 = 0, write: @escaping (Int32, ArraySlice<UInt8>) -> Void = ExecLoop.writeAll
    ) {
        self.socket = socket
        self.terminal = terminal
        self.input = input
        self.write = write
        readsInput = passesInput
        decoder.append(received)
    }

    func run() -> End {
        if (try? socket.descriptor.setNonBlocking()) == nil {
            return .failed("cannot set the connection up: \(Errno.current)")
        }
        if let end = takeFrames() { return end }
        while true {
            if let end = turn() { return end }
        }
    }

    private func turn() -> End? {
        let wantsInput = readsInput && output.count < Self.congestion
        var polled = [
            pollfd(fd: socket.raw, events: Int16(POLLIN | (output.isEmpty ? 0 : POLLOUT)), revents: 0),
            // A negative number is passed over.
            pollfd(fd: wantsInput ? input : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: terminal?.signals.raw ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&polled, nfds_t(polled.count), -1) >= 0 else {
            let error = Errno.current
            return error == .interrupted ? nil : .failed("poll: \(error)")
        }
        if polled[2].revents != 0, let signal = takeSignal() { return .signal(signal) }
        let leaves = polled[1].revents != 0 && readInput()
        if !output.isEmpty { flush() }
        if leaves { return .detached }
        return polled[0].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 ? receive() : nil
    }

    private func receive() -> End? {
        let n = read(socket.raw, &buffer, buffer.count)
        if n < 0 {
            let error = Errno.current
            return error == .again || error == .interrupted ? nil : .lost
        }
        if n == 0 { return .lost }
        decoder.append(Array(buffer[..<n]))
        return takeFrames()
    }

    private func takeFrames() -> End? {
        do {
            while let frame = try decoder.next() {
                switch frame.channel {
                case .standardOutput: write(1, frame.payload[...])
                case .standardError: write(2, frame.payload[...])
                case .control:
                    if let end = try Self.end(frame.payload) { return end }
                default: break
                }
            }
        } catch {
            return .failed("the agent's answer cannot be read: \(error)")
        }
        return nil
    }

    private static func end(_ bytes: [UInt8]) throws -> End? {
        let message = try JSONParser.parse(bytes)
        switch try message.requiredString("type") {
        case "exit": return .exit(Int32(truncatingIfNeeded: try message.requiredInteger("code")))
        case "error": return .failed(try message.requiredString("message"))
        default: return nil
        }
    }

    /// Whether the session is left.
    private func readInput() -> Bool {
        let n = read(input, &buffer, buffer.count)
        if n < 0, Errno.current == .again || Errno.current == .interrupted { return false }
        // The end, or an error that is one: an empty frame closes the program's input.
        if n <= 0 {
            readsInput = false
            Frame.append(.standardInput, [], to: &output)
        } else if detachKeys == nil {
            Frame.append(.standardInput, Array(buffer[..<n]), to: &output)
        } else if let (passed, isComplete) = detachKeys?.take(buffer[..<n]) {
            if !passed.isEmpty { Frame.append(.standardInput, passed, to: &output) }
            return isComplete
        }
        return false
    }

    /// Tells the size of the terminal.
    func tellSize() {
        guard let size = Terminal.size() else { return }
        let message: JSONValue = ["type": "resize", "rows": .integer(size.rows), "columns": .integer(size.columns)]
        Frame.append(.control, JSONWriter().bytes(message), to: &output)
    }

    /// Tells the new window size; the number of a signal that ends this process.
    private func takeSignal() -> Int32? {
        guard let terminal else { return nil }
        var information = signalfd_siginfo()
        let n = withUnsafeMutableBytes(of: &information) { read(terminal.signals.raw, $0.baseAddress, $0.count) }
        guard n > 0 else { return nil }
        let signal = Int32(bitPattern: information.ssi_signo)
        guard signal == SIGWINCH else { return signal }
        tellSize()
        return nil
    }

    private func flush() {
        let n = output.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if n > 0 { return output.removeFirst(n) }
        // When the other side is gone, reading says so, after what it still had to tell.
        if Errno.current != .again, Errno.current != .interrupted {
            output = []
            readsInput = false
        }
    }

    static func writeAll(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let n = rest.withUnsafeBytes { CLinux.write(descriptor, $0.baseAddress, $0.count) }
            if n < 0 {
                let error = Errno.current
                if error == .interrupted { continue }
                guard error == .again else { return }
                // Standard output may be a terminal that someone else made non-blocking.
                var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&polled, 1, -1)
                continue
            }
            rest = rest.dropFirst(n)
        }
    }
}

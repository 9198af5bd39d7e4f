import Base
import CLinux
import Linux
import NodeAgent
import PodProtocol

/// A TCP connection to a port of a pod, on its loopback interface, as the kubelet's port forwarding makes one. To its
/// client it is like a process: what is sent is its input, what comes back its output.
@LoopActor
final class PodConnection: @LoopActor ExecSession {
    /// Bytes that may wait for the pod before the client is told to hold on.
    static let inputLimit = 256 << 10

    private let node: NodeServices
    private let place: String
    private let port: UInt16
    /// Of the pod's network namespace; nil for the host's.
    private let namespace: String?
    private var client: ExecClient?
    private var socket: SharedDescriptor?
    private var token: EventLoop.Token?
    private var interest: Readiness = []
    private var isConnected = false
    private var isOutputPaused = false
    private var input: [UInt8] = []
    private var inputEnded = false
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// - Parameter place: what is connected to, for sentences.
    init(_ node: NodeServices, place: String, namespace: String?, port: UInt16, client: ExecClient) {
        self.node = node
        self.place = place
        self.namespace = namespace
        self.port = port
        self.client = client
        dial(v6: false)
    }

    // MARK: Connecting

    private func dial(v6: Bool) {
        Task {
            let dialed: Result<SharedDescriptor, any Error>
            do {
                dialed = .success(
                    try await node.pool.run { [namespace, port] in
                        try Self.socket(namespace, port, v6: v6)
                    })
            } catch { dialed = .failure(error) }
            guard client != nil else { return }
            do {
                let socket = try dialed.get()
                self.socket = socket
                interest = .writable
                token = try node.loop.watch(socket.descriptor, for: .writable) { [weak self] in self?.ready($0, v6) }
            } catch {
                end(.failure(.failed("port \(port) of \(place): \(error)")))
            }
        }
    }

    private nonisolated static func socket(_ namespace: String?, _ port: UInt16, v6: Bool) throws -> SharedDescriptor {
        guard let namespace else { return try dial(-1, port, v6) }
        let inside = try NetworkNamespace(path: namespace)
        return try withExtendedLifetime(inside) { try dial(inside.descriptor.raw, port, v6) }
    }

    private nonisolated static func dial(_ namespace: Int32, _ port: UInt16, _ v6: Bool) throws -> SharedDescriptor {
        SharedDescriptor(
            FileDescriptor(
                adopting: try retrying("connect to", "port \(port)") {
                    swl_dial_loopback(namespace, port, v6 ? 1 : 0)
                }))
    }

    private func ready(_ readiness: Readiness, _ v6: Bool) {
        if !isConnected, !connected(v6) { return }
        if !readiness.isDisjoint(with: [.writable, .hangup, .error]) { flush() }
        if !readiness.isDisjoint(with: [.readable, .hangup, .error]), !isOutputPaused { read() }
        updateInterest()
    }

    private func connected(_ v6: Bool) -> Bool {
        guard let socket else { return false }
        let error = Errno(rawValue: swl_socket_error(socket.raw))
        if error.rawValue != 0 {
            unwatch()
            // A server may listen on one of the two.
            if !v6 {
                dial(v6: true)
            } else {
                end(.failure(.badRequest("nothing in \(place) accepts connections on port \(port): \(error)")))
            }
            return false
        }
        isConnected = true
        return true
    }

    // MARK: Bytes

    private func read() {
        guard let socket else { return }
        let count: Int?
        do throws(SystemError) { count = try socket.descriptor.read(into: &buffer) } catch {
            return end(.failure(.failed("the connection to port \(port) of \(place) broke: \(error.errno)")))
        }
        guard let count else { return }
        if count == 0 { return end(.success(0)) }
        client?.output(.standardOutput, Array(buffer[..<count]))
    }

    private func flush() {
        guard isConnected, let socket else { return }
        let wasFull = input.count >= Self.inputLimit
        while !input.isEmpty {
            let count = input.withUnsafeBytes { CLinux.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 {
                let error = Errno.current
                if error == .interrupted { continue }
                // What the pod still says is read: that tells of the end.
                if error != .again { input = [] }
                break
            }
            input.removeFirst(count)
        }
        if input.isEmpty, inputEnded { _ = shutdown(socket.raw, Int32(SHUT_WR)) }
        if wasFull, input.count < Self.inputLimit { client?.inputReady() }
    }

    private func updateInterest() {
        guard let token, isConnected else { return }
        var wanted: Readiness = isOutputPaused ? [] : .readable
        if !input.isEmpty { wanted.insert(.writable) }
        guard wanted != interest else { return }
        interest = wanted
        // While the client takes nothing, the pod's end can wait.
        if wanted.isEmpty { return node.loop.silence(token) }
        do throws(SystemError) { try node.loop.update(token, for: wanted) } catch {
            end(.failure(.failed("port \(port) of \(place): \(error)")))
        }
    }

    private func unwatch() {
        if let token { node.loop.unwatch(token) }
        token = nil
        socket = nil
    }

    private func end(_ result: Result<Int32, NodeServiceError>) {
        unwatch()
        let client = client
        self.client = nil
        client?.finished(result)
    }

    // MARK: The client's side

    func send(_ bytes: [UInt8]) -> Bool {
        input += bytes
        flush()
        updateInterest()
        return input.count < Self.inputLimit
    }

    func closeInput() {
        inputEnded = true
        flush()
    }

    func resize(rows: UInt16, columns: UInt16) {}

    func pauseOutput() {
        isOutputPaused = true
        updateInterest()
    }

    func resumeOutput() {
        isOutputPaused = false
        updateInterest()
    }

    func cancel() {
        client = nil
        unwatch()
    }
}

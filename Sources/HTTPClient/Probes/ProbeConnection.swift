import Base
import TLS

/// One connection to a host, over the first of its addresses that takes it. What goes wrong is told in the words of
/// Go's net package, which people know from the events of their pods. Its closures are called from the loop, and none
/// any more after `close` or `onEnd`.
final class ProbeConnection {
    private let loop: EventLoop
    private let work: any BlockingWork
    private let host: String
    private let port: UInt16
    private let context: TLSContext?
    private var candidates: [SocketAddress] = []
    private var transport: Transport?
    private var isOpen = false
    private var isClosed = false

    var onOpen: () -> Void = {}
    var onBytes: (UnsafeRawBufferPointer) -> Void = { _ in }
    /// The other side has ended the connection; with a message when it broke, or was never made.
    var onEnd: (String?) -> Void = { _ in }

    init(_ host: String, _ port: UInt16, _ context: TLSContext?, loop: EventLoop, work: any BlockingWork) {
        self.host = host
        self.port = port
        self.context = context
        self.loop = loop
        self.work = work
    }

    deinit { transport?.close() }

    /// Begins; no closure is called from inside.
    func open() {
        if let address = SocketAddress.numeric(host, port) {
            candidates = [address]
            return connect(after: "")
        }
        let (host, port) = (host, port)
        work.run {
            Result { () throws(ClientError) -> [SocketAddress] in try SocketAddress.resolve(host, port) }
        } then: { [weak self] result in
            guard let self, !isClosed else { return }
            switch result {
            case .success(let found):
                candidates = found
                connect(after: "")
            case .failure(let error): end("dial tcp: lookup \(host): \(error.message)")
            }
        }
    }

    func send(_ bytes: [UInt8]) { transport?.send(bytes) }

    func close() {
        isClosed = true
        transport?.close()
        transport = nil
        onOpen = {}
        onBytes = { _ in }
        onEnd = { _ in }
    }

    private func connect(after failure: String) {
        guard !candidates.isEmpty else { return endLater(failure) }
        let address = candidates.removeFirst()
        do {
            let tls = try context.map { context in try TLSConnection(context, host: host) }
            let made = try Transport(loop, address, tls: tls)
            made.onOpen = { [weak self] in
                self?.isOpen = true
                self?.onOpen()
            }
            made.onBytes = { [weak self] in self?.onBytes($0) }
            made.onEnd = { [weak self] in self?.ended($0, address) }
            transport = made
        } catch let error as SystemError {
            connect(after: dialFailed(address, error.errno))
        } catch {
            endLater("\(error)")
        }
    }

    private func ended(_ error: ClientError?, _ address: SocketAddress) {
        transport = nil
        guard let error else { return end(nil) }
        if isOpen || error.kind == .trust {
            let reason = error.errno.map { "read tcp \(shown(address)): read: \($0.words)" }
            return end(reason ?? error.message)
        }
        connect(after: error.errno.map { dialFailed(address, $0) } ?? error.message)
    }

    private func shown(_ address: SocketAddress) -> String {
        address.description.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    private func dialFailed(_ address: SocketAddress, _ errno: Errno) -> String {
        "dial tcp \(shown(address)): connect: \(errno.words)"
    }

    private func endLater(_ message: String) {
        loop.enqueue { [weak self] in self?.end(message) }
    }

    private func end(_ message: String?) {
        guard !isClosed else { return }
        let handler = onEnd
        close()
        handler(message)
    }
}

extension Errno {
    /// As Go writes it: `connection refused`.
    fileprivate var words: String { message.lowercased() }
}

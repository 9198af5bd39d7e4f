import Base
import CLinux
import HTTP

/// Serves HTTP/1.1 on a Unix socket, on an event loop: no thread, no blocking call, and a limit on everything that a
/// client controls. Root, the user of this process and the groups of a `SocketAccess` may connect.
final class HTTPServer {
    /// What clients may take.
    struct Limits {
        /// Connections at one time.
        var connections = 128
        /// For a whole request head, from its first byte.
        var head = Nanoseconds.seconds(10)
        /// Between two requests.
        var idle = Nanoseconds.seconds(60)
        /// How long a connection may be idle before it must make room for a new one when all are taken.
        var settled = Nanoseconds.seconds(1)
        /// Without a byte of a body coming in, or of a plain response going out.
        var stall = Nanoseconds.seconds(60)
        /// For a client to take the last response before the connection is closed.
        var linger = Nanoseconds.seconds(2)
        /// Bytes that wait to be sent before a stream's producer is told to pause.
        var congestion = 256 << 10
        var parser = HTTPLimits(body: 64 << 10)
    }

    let loop: EventLoop
    let limits: Limits
    /// Finds what answers a request.
    let route: (HTTPRequestHead, RequestTarget) -> Endpoint
    /// One buffer to read into for all connections: a turn reads one at a time.
    var scratch = [UInt8](repeating: 0, count: 64 << 10)

    private let path: String
    private let access: SocketAccess
    private let listener: FileDescriptor
    private var listenToken: EventLoop.Token?
    private var connections: [Int: Connection] = [:]
    private var nextID = 0
    private let inode: ino_t

    /// Listens at `path`, for root, the user of this process and `access`. A socket that a dead process left there is
    /// replaced.
    ///
    /// - Throws: `SystemError`; EADDRINUSE when another process listens there.
    init(
        loop: EventLoop, path: String, limits: Limits = Limits(), access: SocketAccess = SocketAccess(),
        route: @escaping (HTTPRequestHead, RequestTarget) -> Endpoint
    ) throws(SystemError) {
        self.loop = loop
        self.path = path
        self.limits = limits
        self.access = access
        self.route = route
        listener = try FileDescriptor.listening(at: path)
        var status = stat()
        try retrying("stat", path) { lstat(path, &status) }
        inode = status.st_ino
        try access.open(path)
        try startListening()
    }

    /// Ends all connections, and removes the socket unless another process has put its own there.
    func close() {
        if let token = listenToken { loop.unwatch(token) }
        listenToken = nil
        for connection in Array(connections.values) { connection.close() }
        var status = stat()
        if lstat(path, &status) == 0, status.st_ino == inode { _ = try? Files.remove(path) }
    }

    var connectionCount: Int { connections.count }

    func forget(_ connection: Connection) { connections.removeValue(forKey: connection.id) }

    private func startListening() throws(SystemError) {
        listenToken = try loop.watch(listener, for: .readable) { [weak self] _ in self?.acceptAll() }
    }

    private func acceptAll() {
        for _ in 0..<32 {
            let raw = swl_accept(listener.raw)
            if raw < 0 {
                let error = Errno.current
                if error == .interrupted || error.rawValue == ECONNABORTED { continue }
                if error != .again { pauseListening() }
                return
            }
            admit(FileDescriptor(adopting: raw))
        }
    }

    private func admit(_ socket: consuming FileDescriptor) {
        let granted = access.ofPeer(socket)
        if connections.count >= limits.connections { closeLongestIdle() }
        // A few more than the limit are told why they are not served; beyond them the door is closed without a word.
        guard connections.count < limits.connections + 16 else { return }
        let isFull = connections.count >= limits.connections
        nextID += 1
        guard let connection = Connection(nextID, socket, granted, self) else { return }
        connections[connection.id] = connection
        if granted == .nothing {
            let groups = [
                access.admins.map { _ in SocketAccess.adminGroup }, access.viewers.map { _ in SocketAccess.viewGroup },
            ]
            let others = groups.compactMap { $0 }.map { " and members of group \($0)" }.joined()
            connection.refuse(HTTPError(403, "only root\(others) may use this socket"))
        } else if isFull {
            connection.refuse(HTTPError(503, "\(limits.connections) connections are open, which is the limit"))
        }
    }

    /// A client that keeps a connection for later has had its answers, and must expect that it is closed.
    private func closeLongestIdle() {
        let idle = connections.values.compactMap { connection in connection.idleSince.map { (connection, since: $0) } }
        guard let (longest, since) = idle.min(by: { $0.since < $1.since }) else { return }
        if !(BootInstant.now - since < limits.settled) { longest.close() }
    }

    /// Without free descriptors the listener would stay ready and the loop would spin.
    private func pauseListening() {
        guard let token = listenToken else { return }
        loop.unwatch(token)
        listenToken = nil
        loop.schedule(after: .milliseconds(200)) { [weak self] in
            guard let self, self.listenToken == nil else { return }
            do throws(SystemError) { try self.startListening() } catch { self.retryListening() }
        }
    }

    private func retryListening() {
        loop.schedule(after: .seconds(1)) { [weak self] in
            guard let self else { return }
            do throws(SystemError) { try self.startListening() } catch { self.retryListening() }
        }
    }
}

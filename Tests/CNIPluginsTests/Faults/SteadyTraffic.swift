import Base
import CLinux
import Testing

/// Traffic of attachments that live, on a thread of its own, until it is asked how it went: new connections from the host
/// to a port that leads to one of them, and one flow of datagrams between both, by a port of the host.
final class SteadyTraffic: @unchecked Sendable {
    private let server: NetworkSocket
    private let peer: NetworkSocket
    private let client: NetworkSocket
    private let target: NetworkSocket.Endpoint
    private let stop: Pipe
    private var thread = pthread_t()
    // Of the thread, until it is joined.
    private var exchanges = 0
    private var failure: (any Error)?

    /// - Parameters:
    ///   - server: listens for TCP in an attachment; `target` leads to it.
    ///   - client: is connected to where `peer` receives.
    init(
        server: consuming NetworkSocket, target: NetworkSocket.Endpoint, client: consuming NetworkSocket,
        peer: consuming NetworkSocket
    ) throws {
        self.server = server
        self.target = target
        self.client = client
        self.peer = peer
        stop = try FileDescriptor.pipe()
        thread = try Threads.start("traffic") { [self] in run() }
    }

    private func run() {
        var wait = pollfd(fd: stop.read.raw, events: Int16(POLLIN), revents: 0)
        do {
            repeat {
                let connection = try NetworkSocket(.tcp, isIPv6: false)
                try connection.connect(to: target)
                _ = try server.accept()
                try client.send("ping \(exchanges)")
                let (text, from) = try peer.receive()
                try #require(text == "ping \(exchanges)")
                try peer.send("pong \(exchanges)", to: from)
                try #require(try client.receive().text == "pong \(exchanges)")
                exchanges += 1
            } while poll(&wait, 1, 1) == 0
        } catch {
            failure = error
        }
    }

    /// Ends it.
    ///
    /// - Returns: how often all of it went through.
    /// - Throws: what did not.
    func end() throws -> Int {
        try stop.write.writeAll("x".utf8)
        pthread_join(thread, nil)
        if let failure { throw failure }
        return exchanges
    }
}

import Base
import CLinux
import CNITypes
import JSON

/// Asks DHCP servers for the addresses of containers, and for more time before a lease ends. One thread; between two
/// renewals it does nothing. Plugins ask it over a socket that only root can use.
final class DHCPDaemon {
    let options: DHCPDaemonOptions
    let loop: EventLoop
    let log: Log
    private let listener: SharedDescriptor
    private var clients: [String: DHCPClient] = [:]
    private var connections: [ObjectIdentifier: DHCPConnection] = [:]

    /// Where the leases are on record.
    var folder: String { DHCPRecord.folder(options.socketPath) }

    private static let connectionLimit = 256

    init(_ options: DHCPDaemonOptions, log: Log) throws(SystemError) {
        self.options = options
        self.log = log
        loop = try EventLoop()
        if let inherited = options.inherited {
            let socket = FileDescriptor(adopting: inherited)
            try socket.setNonBlocking()
            listener = SharedDescriptor(socket)
        } else {
            try Files.makeDirectories(Path.parent(options.socketPath))
            listener = SharedDescriptor(try FileDescriptor.listening(at: options.socketPath))
        }
    }

    func run() throws(SystemError) {
        // A plugin that does not wait for its answer is no reason to end.
        swl_ignore_signal(SIGPIPE)
        adopt()
        _ = try loop.watch(listener.descriptor, for: .readable) { [weak self] _ in self?.accept() }
        try loop.run()
    }

    /// Takes over the leases of an earlier daemon.
    private func adopt() {
        for name in (try? Files.list(folder)) ?? [] {
            let path = Path.join(folder, name)
            do {
                let record = try DHCPRecord(path)
                let client = try DHCPClient(record.request, self)
                try client.adopt(record)
                clients[client.name] = client
            } catch {
                log.info("\(name): its lease is left to end: \(error)")
                _ = try? Files.remove(path)
            }
        }
    }

    private func accept() {
        for _ in 0..<32 {
            let raw = swl_accept(listener.raw)
            guard raw >= 0 else { return }
            let socket = FileDescriptor(adopting: raw)
            guard connections.count < Self.connectionLimit else { continue }
            guard let connection = try? DHCPConnection(socket, self) else { continue }
            connections[ObjectIdentifier(connection)] = connection
        }
    }

    func forget(_ connection: DHCPConnection) { connections[ObjectIdentifier(connection)] = nil }

    func forget(_ client: DHCPClient) { if clients[client.name] === client { clients[client.name] = nil } }

    /// Does what a plugin asks.
    ///
    /// - Parameter answer: called once, now or later, with the result (nil for none) or why there is none.
    func serve(_ call: DHCPCall, _ answer: @escaping (Result<CNIResult?, CNIError>) -> Void) {
        let name = DHCPRecord.name(call.request)
        do throws(CNIError) {
            switch call.command {
            case .add:
                // What is known of an earlier ADD is of no use to anybody.
                clients.removeValue(forKey: name)?.release()
                let client = try DHCPClient(call.request, self)
                clients[name] = client
                client.acquire { answer($0.map { $0 }) }
            case .delete:
                clients.removeValue(forKey: name)?.release()
                answer(.success(nil))
            case .check:
                guard let result = clients[name]?.result else {
                    throw CNIError(.internalFailure, "the DHCP daemon holds no address for the container")
                }
                answer(.success(result))
            case .collectGarbage:
                let valid = Set(try call.request.configuration.validAttachments())
                for (name, client) in clients {
                    guard client.request.configuration.name == call.request.configuration.name,
                        let (_, attachment) = DHCPRecord.attachment(name), !valid.contains(attachment)
                    else { continue }
                    clients[name] = nil
                    client.release()
                }
                answer(.success(nil))
            case .status, .version: answer(.success(nil))
            }
        } catch {
            answer(.failure(error))
        }
    }
}

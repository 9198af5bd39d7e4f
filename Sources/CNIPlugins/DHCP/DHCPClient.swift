import Base
import CLinux
import CNITypes
import JSON
import Netlink

/// The daemon's side of one attachment: its exchange with servers, its sockets while it has one, and what is on record.
final class DHCPClient {
    let request: AttachmentRequest
    private let wanted: DHCPConfiguration
    private let daemon: DHCPDaemon
    private var exchange: DHCPExchange?
    private var socket: Socket?
    private var timer: EventLoop.Token?
    private var limit: EventLoop.Token?
    /// Called once with what became of ADD.
    private var answer: ((Result<CNIResult, CNIError>) -> Void)?

    /// A noncopyable value where it can be replaced.
    private final class Socket {
        var value: DHCPSocket
        let token: EventLoop.Token
        init(_ value: consuming DHCPSocket, _ token: EventLoop.Token) {
            self.value = value
            self.token = token
        }
    }

    init(_ request: AttachmentRequest, _ daemon: DHCPDaemon) throws(CNIError) {
        self.request = request
        self.daemon = daemon
        wanted = try DHCPConfiguration(request.configuration, request.environment)
    }

    var name: String { DHCPRecord.name(request) }

    /// What the container has; nil while it has nothing.
    var result: CNIResult? {
        guard let exchange, exchange.phase != .expired else { return nil }
        return exchange.lease?.result(priority: wanted.priority)
    }

    /// Asks for an address.
    func acquire(_ answer: @escaping (Result<CNIResult, CNIError>) -> Void) {
        self.answer = answer
        limit = daemon.loop.schedule(after: daemon.options.timeout) { [weak self] in
            guard let self else { return }
            let seconds = self.daemon.options.timeout.description
            self.finish(
                .failure(
                    CNIError(
                        .tryAgainLater,
                        "no DHCP server gave interface \(self.request.environment.interfaceName) an address",
                        details: "the daemon has asked for \(seconds): is there a server on its network?")))
        }
        do {
            let (index, mac) = try prepare()
            exchange = DHCPExchange(
                wanted.identity(request, mac: mac, wantsBroadcast: daemon.options.wantsBroadcast),
                transaction: .random(in: 1 ... .max), now: .now)
            try open(index)
            wake()
        } catch {
            finish(.failure(error))
        }
    }

    /// Goes on with what is on record.
    func adopt(_ record: DHCPRecord) throws(CNIError) {
        let (_, mac) = try prepare()
        let identity = wanted.identity(request, mac: mac, wantsBroadcast: daemon.options.wantsBroadcast)
        exchange = DHCPExchange(
            identity, lease: record.lease, since: record.begin, transaction: .random(in: 1 ... .max))
        schedule()
    }

    /// Gives the address back where it has one, and ends.
    func release() {
        if let action = exchange?.release(.now), (try? interface()) != nil { perform([action]) }
        close()
        finish(.failure(CNIError(.tryAgainLater, "the attachment was deleted while its address was asked for")))
    }

    private func close() {
        for token in [timer, limit].compactMap({ $0 }) { daemon.loop.cancel(token) }
        (timer, limit) = (nil, nil)
        closeSocket()
        exchange = nil
        _ = try? Files.remove(Path.join(daemon.folder, name))
    }

    /// Tells the one who waits, if anybody does. Without an address nothing is left.
    private func finish(_ result: Result<CNIResult, CNIError>) {
        if let limit { daemon.loop.cancel(limit) }
        limit = nil
        guard let answer else { return }
        self.answer = nil
        if case .failure = result {
            close()
            daemon.forget(self)
        }
        answer(result)
    }

    // MARK: the container

    /// The interface, and its MAC address.
    private func interface() throws(CNIError) -> Link {
        let name = request.environment.interfaceName
        let link = try request.inRequiredNamespace { () throws(CNIError) -> Link in
            var socket = try openRouteSocket()
            return try ContainerInterface.find(name, &socket)
        }
        guard link.mac != nil else {
            throw CNIError(.invalidConfiguration, "interface \(name) has no MAC address to ask a DHCP server with")
        }
        return link
    }

    /// Sets the interface up.
    private func prepare() throws(CNIError) -> (index: Int32, mac: [UInt8]) {
        let link = try interface()
        if !link.isUp {
            try inside { () throws(CNIError) in
                var socket = try openRouteSocket()
                try asking("set up interface \(link.name)") { () throws(NetlinkError) in
                    try socket.perform { $0.setUp(.index(link.index)) }
                }
            }
        }
        return (link.index, link.mac?.bytes ?? [])
    }

    private func inside(_ body: () throws(CNIError) -> Void) throws(CNIError) {
        _ = try request.inRequiredNamespace(body)
    }

    private func open(_ index: Int32) throws(CNIError) {
        guard socket == nil else { return }
        try inside { () throws(CNIError) in
            do throws(SystemError) {
                let made = try DHCPSocket(interface: index)
                let token = try daemon.loop.watch(made.descriptor, for: .readable) { [weak self] _ in self?.receive() }
                socket = Socket(made, token)
            } catch {
                throw CNIError(.inputOutput, "cannot ask for an address", details: "\(error)")
            }
        }
    }

    private func closeSocket() {
        if let socket { daemon.loop.unwatch(socket.token) }
        socket = nil
    }

    // MARK: the exchange

    private func schedule() {
        if let timer { daemon.loop.cancel(timer) }
        timer = exchange?.deadline.map { deadline in
            daemon.loop.schedule(at: deadline) { [weak self] in
                self?.timer = nil
                self?.wake()
            }
        }
    }

    private func wake() {
        guard var exchange else { return }
        // The namespace of a container that is gone is not to be held by a lease.
        if answer == nil, (try? interface()) == nil {
            daemon.log.info("\(name): its interface is gone, and the lease is left to end")
            close()
            return daemon.forget(self)
        }
        let actions = exchange.wake(.now, transaction: .random(in: 1 ... .max))
        self.exchange = exchange
        perform(actions)
        schedule()
    }

    private func receive() {
        while let socket, let exchange, let message = try? socket.value.receive() {
            var next = exchange
            let actions = next.receive(message, .now, transaction: .random(in: 1 ... .max))
            self.exchange = next
            perform(actions)
        }
        schedule()
    }

    private func perform(_ actions: [DHCPExchange.Action]) {
        for action in actions {
            do {
                try perform(action)
            } catch {
                daemon.log.warning("\(name): \(error)")
            }
        }
    }

    private func perform(_ action: DHCPExchange.Action) throws {
        let source = exchange?.lease?.address.address ?? [0, 0, 0, 0]
        switch action {
        case .broadcast(let message):
            if socket == nil { try open(try interface().index) }
            try socket?.value.broadcast(message, from: message.clientAddress)
        case .send(let message, let server):
            if socket == nil { try open(try interface().index) }
            try inside { () throws(CNIError) in
                do throws(SystemError) {
                    try socket?.value.send(message, to: server, from: source)
                } catch {
                    throw CNIError(
                        .inputOutput, "cannot ask the DHCP server \(IPPrefix.text(server))", details: "\(error)")
                }
            }
        case .bind(let lease): try bind(lease)
        case .lose: try lose()
        }
    }

    private func bind(_ lease: DHCPLease) throws {
        closeSocket()
        guard let exchange else { return }
        let record = DHCPRecord(request: request, lease: lease, begin: exchange.leaseBegin)
        try record.save(in: daemon.folder)
        let result = lease.result(priority: wanted.priority)
        if answer != nil { return finish(.success(result)) }
        guard isLost else { return }
        isLost = false
        daemon.log.warning("\(name): has the address \(lease.address) now")
        try inside { () throws(CNIError) in
            try ContainerInterface.configure(
                request.environment.interfaceName, result, detectsDuplicates: false)
        }
    }

    /// Whether the container's address was taken away: the next one is given to the interface by the daemon.
    private var isLost = false

    /// Takes the address from the interface, and asks for another.
    private func lose() throws {
        guard let exchange, let address = exchange.lease?.address else { return }
        daemon.log.error("\(name): the lease of \(address) has ended, and no server prolongs it")
        isLost = true
        let (index, mac) = try prepare()
        try inside { () throws(CNIError) in
            var socket = try openRouteSocket()
            try asking("take the address \(address) away") { () throws(NetlinkError) in
                try socket.perform { $0.removeAddress(InterfaceAddress(address), from: index) }
            }
        }
        self.exchange = DHCPExchange(
            wanted.identity(request, mac: mac, wantsBroadcast: daemon.options.wantsBroadcast),
            transaction: .random(in: 1 ... .max), now: .now)
    }
}

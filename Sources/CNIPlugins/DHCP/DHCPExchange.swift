import Base
import CNITypes

/// A client's side of the protocol (RFC 2131, section 4.4): what it sends, and when. It knows no sockets and no clock.
struct DHCPExchange: Sendable {
    enum Phase: Sendable, Hashable {
        /// Nobody has offered an address yet.
        case selecting
        /// A server was asked for what it offered.
        case requesting(offer: DHCPMessage)
        case bound
        /// The server is asked for more time.
        case renewing
        /// Any server is.
        case rebinding
        /// The address may no longer be used.
        case expired
    }

    /// What is to be done now.
    enum Action: Sendable, Hashable {
        /// To everybody on the link.
        case broadcast(DHCPMessage)
        /// To this server, 4 bytes, from the address.
        case send(DHCPMessage, to: [UInt8])
        /// The address can be used.
        case bind(DHCPLease)
        /// It can no longer be.
        case lose
    }

    let identity: DHCPIdentity
    private(set) var phase: Phase
    private(set) var lease: DHCPLease?
    /// Since when the lease counts: the request that was granted.
    private(set) var leaseBegin = BootInstant(nanoseconds: 0)
    private var transaction: UInt32
    private var begin: BootInstant
    private var lastSent = BootInstant(nanoseconds: 0)
    private var attempts: Int64 = 0

    /// Begins with nothing.
    init(_ identity: DHCPIdentity, transaction: UInt32, now: BootInstant) {
        self.identity = identity
        self.transaction = transaction
        begin = now
        phase = .selecting
    }

    /// Goes on with what is known of an earlier process.
    init(_ identity: DHCPIdentity, lease: DHCPLease, since begin: BootInstant, transaction: UInt32) {
        self.identity = identity
        self.lease = lease
        self.transaction = transaction
        self.begin = begin
        leaseBegin = begin
        phase = .bound
    }

    /// When `wake` is to be called; nil: never.
    var deadline: BootInstant? {
        switch phase {
        case .selecting, .requesting:
            return attempts == 0 ? begin : lastSent + Self.pause(attempts)
        case .bound: return time { $0.renewal }
        case .renewing: return [retry(until: { $0.rebinding }), time { $0.rebinding }].compactMap { $0 }.min()
        case .rebinding: return [retry(until: { $0.duration ?? .max }), expiry].compactMap { $0 }.min()
        case .expired: return nil
        }
    }

    /// 1 s, 2 s, 4 s and then every 8 s.
    private static func pause(_ attempts: Int64) -> Nanoseconds { .seconds(1 << min(attempts - 1, 3)) }

    /// Half of what is left, and a minute at least (section 4.4.5).
    private func retry(until end: (DHCPLease) -> UInt32) -> BootInstant? {
        guard let end = time(end) else { return nil }
        let left = (end - lastSent).count / 2
        return lastSent + max(Nanoseconds(left), min(.seconds(60), Nanoseconds(max(left * 2, 0))))
    }

    private func time(_ seconds: (DHCPLease) -> UInt32) -> BootInstant? {
        guard let lease, lease.duration != nil else { return nil }
        return leaseBegin + .seconds(Int64(seconds(lease)))
    }

    private var expiry: BootInstant? { time { $0.duration ?? .max } }

    /// What is due.
    mutating func wake(_ now: BootInstant, transaction next: UInt32) -> [Action] {
        guard let deadline, deadline <= now else { return [] }
        switch phase {
        case .selecting: return [discover(now)]
        case .requesting(let offer):
            // A server that offers and then keeps silent is not waited for for ever.
            if attempts < 4 { return [request(offer, now)] }
            start(next, now)
            return [discover(now)]
        case .bound:
            start(next, now)
            phase = .renewing
        case .renewing: if let end = time({ $0.rebinding }), end <= now { phase = .rebinding }
        case .rebinding: break
        case .expired: return []
        }
        if let expiry, expiry <= now {
            phase = .expired
            return [.lose]
        }
        return [extend(now)]
    }

    private mutating func start(_ transaction: UInt32, _ now: BootInstant) {
        self.transaction = transaction
        begin = now
        attempts = 0
        phase = .selecting
    }

    // MARK: what a server says

    mutating func receive(_ message: DHCPMessage, _ now: BootInstant, transaction next: UInt32) -> [Action] {
        guard message.transaction == transaction, message.hardwareAddress == identity.hardwareAddress else { return [] }
        switch (phase, message.kind) {
        case (.selecting, .offer):
            guard DHCPLease(message) != nil else { return [] }
            phase = .requesting(offer: message)
            attempts = 0
            return [request(message, now)]
        case (.requesting(let offer), .acknowledgement):
            guard message.addresses(DHCPMessage.Option.server) == offer.addresses(DHCPMessage.Option.server) else {
                return []
            }
            return bind(message)
        case (.renewing, .acknowledgement), (.rebinding, .acknowledgement):
            guard message.yourAddress == lease?.address.address else { return [] }
            return bind(message)
        case (.requesting, .refusal):
            start(next, now)
            return [discover(now)]
        case (.renewing, .refusal), (.rebinding, .refusal):
            // Another server than the lease's own knows nothing of it.
            guard message.addresses(DHCPMessage.Option.server).first == lease?.server else { return [] }
            phase = .expired
            return [.lose]
        default: return []
        }
    }

    private mutating func bind(_ message: DHCPMessage) -> [Action] {
        guard let lease = DHCPLease(message) else { return [] }
        self.lease = lease
        leaseBegin = lastSent
        phase = .bound
        return [.bind(lease)]
    }

    // MARK: what is sent

    private func message(_ kind: DHCPMessage.Kind, _ now: BootInstant) -> DHCPMessage {
        var message = DHCPMessage(kind, transaction: transaction, hardwareAddress: identity.hardwareAddress)
        message.seconds = UInt16(clamping: (now - begin).count / 1_000_000_000)
        message.wantsBroadcast = identity.wantsBroadcast
        message.options = identity.options
        return message
    }

    private mutating func sent(_ now: BootInstant) {
        attempts += 1
        lastSent = now
    }

    private mutating func discover(_ now: BootInstant) -> Action {
        sent(now)
        return .broadcast(message(.discover, now))
    }

    private mutating func request(_ offer: DHCPMessage, _ now: BootInstant) -> Action {
        sent(now)
        var request = message(.request, now)
        request.options[DHCPMessage.Option.requestedAddress] = offer.yourAddress
        request.options[DHCPMessage.Option.server] = offer.options[DHCPMessage.Option.server]
        return .broadcast(request)
    }

    private mutating func extend(_ now: BootInstant) -> Action {
        sent(now)
        var request = message(.request, now)
        request.clientAddress = lease?.address.address ?? [0, 0, 0, 0]
        if phase == .renewing, let server = lease?.server { return .send(request, to: server) }
        return .broadcast(request)
    }

    /// Gives the address back.
    func release(_ now: BootInstant) -> Action? {
        guard let lease, phase != .expired else { return nil }
        var release = DHCPMessage(.release, transaction: transaction, hardwareAddress: identity.hardwareAddress)
        release.clientAddress = lease.address.address
        release.options[DHCPMessage.Option.server] = lease.server
        release.options[DHCPMessage.Option.clientIdentifier] = identity.options[DHCPMessage.Option.clientIdentifier]
        return .send(release, to: lease.server)
    }
}

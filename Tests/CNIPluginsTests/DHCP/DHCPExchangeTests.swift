import Base
import CNITypes
import Testing

@testable import CNIPlugins

/// A client's side of the protocol, with a server and a clock that the test plays.
struct DHCPExchangeTests {
    private typealias Option = DHCPMessage.Option

    private static let mac: [UInt8] = [2, 0, 0, 0, 0, 9]
    private static let identity = DHCPIdentity(hardwareAddress: mac, options: [Option.clientIdentifier: [0, 1, 2]])

    private static func at(_ seconds: Double) -> BootInstant {
        BootInstant(nanoseconds: 1_000_000_000_000 + Int64(seconds * 1e9))
    }

    /// What a server answers to `message`.
    private static func answer(
        _ kind: DHCPMessage.Kind, to message: DHCPMessage, address: [UInt8] = [10, 0, 0, 7],
        server: [UInt8] = [10, 0, 0, 1],
        lease: UInt32 = 1000, more: [UInt8: [UInt8]] = [:]
    ) -> DHCPMessage {
        var answer = DHCPMessage(kind, transaction: message.transaction, hardwareAddress: message.hardwareAddress)
        if kind != .refusal { answer.yourAddress = address }
        answer.options = [
            Option.server: server, Option.subnetMask: [255, 255, 255, 0], Option.routers: server,
            Option.leaseTime: withUnsafeBytes(of: lease.bigEndian) { Array($0) },
        ]
        answer.options.merge(more) { $1 }
        return answer
    }

    private static func begun() throws -> (DHCPExchange, DHCPMessage) {
        var exchange = DHCPExchange(identity, transaction: 7, now: at(0))
        guard case .broadcast(let discover)? = exchange.wake(at(0), transaction: 8).first else {
            throw SystemError("discover", "a server", .invalid)
        }
        return (exchange, discover)
    }

    private static func bound(lease: UInt32 = 1000) throws -> DHCPExchange {
        var (exchange, discover) = try begun()
        let actions = exchange.receive(answer(.offer, to: discover, lease: lease), at(0.1), transaction: 8)
        guard case .broadcast(let request)? = actions.first else { throw SystemError("request", "an offer", .invalid) }
        let last = exchange.receive(answer(.acknowledgement, to: request, lease: lease), at(0.2), transaction: 8)
        guard case .bind? = last.first else { throw SystemError("bind", "an address", .invalid) }
        return exchange
    }

    @Test func anOfferedAddressIsAskedForAndBound() throws {
        var (exchange, discover) = try Self.begun()
        #expect(discover.kind == .discover && discover.transaction == 7 && discover.options[61] == [0, 1, 2])
        #expect(exchange.deadline == Self.at(1))
        let offered = exchange.receive(Self.answer(.offer, to: discover), Self.at(0.1), transaction: 8)
        guard case .broadcast(let request)? = offered.first else { throw SystemError("request", "it", .invalid) }
        #expect(request.kind == .request && request.options[Option.requestedAddress] == [10, 0, 0, 7])
        #expect(request.options[Option.server] == [10, 0, 0, 1] && request.clientAddress == [0, 0, 0, 0])
        // A later offer of another server comes too late.
        let other = Self.answer(.offer, to: discover, address: [10, 0, 0, 8], server: [10, 0, 0, 2])
        #expect(exchange.receive(other, Self.at(0.2), transaction: 8) == [])
        let bound = exchange.receive(Self.answer(.acknowledgement, to: request), Self.at(0.3), transaction: 8)
        guard case .bind(let lease)? = bound.first else { throw SystemError("bind", "it", .invalid) }
        #expect(lease.address.description == "10.0.0.7/24" && lease.gateway == [10, 0, 0, 1])
        #expect(lease.duration == 1000 && lease.renewal == 500 && lease.rebinding == 875)
        // The time counts from the request on.
        #expect(exchange.phase == .bound && exchange.deadline == Self.at(0.1 + 500))
    }

    @Test func whatIsOfSomebodyElseIsNotHeeded() throws {
        var (exchange, discover) = try Self.begun()
        var wrong = Self.answer(.offer, to: discover)
        wrong.transaction = 9
        #expect(exchange.receive(wrong, Self.at(0.1), transaction: 8) == [])
        wrong = Self.answer(.offer, to: discover)
        wrong.hardwareAddress[5] = 1
        #expect(exchange.receive(wrong, Self.at(0.1), transaction: 8) == [])
        for address in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [255, 255, 255, 255]] as [[UInt8]] {
            #expect(
                exchange.receive(Self.answer(.offer, to: discover, address: address), Self.at(0.1), transaction: 8)
                    == [])
        }
        #expect(exchange.receive(Self.answer(.acknowledgement, to: discover), Self.at(0.1), transaction: 8) == [])
        #expect(exchange.phase == .selecting)
    }

    @Test func silenceIsAskedIntoMoreAndMoreSeldom() throws {
        var (exchange, _) = try Self.begun()
        var moments: [Int64] = []
        for _ in 0..<6 {
            let deadline = try #require(exchange.deadline)
            moments.append((deadline - Self.at(0)).count / 1_000_000_000)
            #expect(exchange.wake(Self.at(0), transaction: 8) == [], "not before it is due")
            guard case .broadcast(let message)? = exchange.wake(deadline, transaction: 8).first else {
                throw SystemError("ask", "again", .invalid)
            }
            #expect(message.kind == .discover && Int64(message.seconds) == moments.last)
        }
        #expect(moments == [1, 3, 7, 15, 23, 31])
    }

    @Test func aServerThatOffersAndKeepsSilentIsLeft() throws {
        var (exchange, discover) = try Self.begun()
        _ = exchange.receive(Self.answer(.offer, to: discover), Self.at(0.1), transaction: 8)
        var kinds: [DHCPMessage.Kind] = []
        for _ in 0..<5 {
            let deadline = try #require(exchange.deadline)
            if case .broadcast(let message)? = exchange.wake(deadline, transaction: 8).first {
                kinds.append(message.kind)
            }
        }
        #expect(kinds == [.request, .request, .request, .discover, .discover])
        #expect(exchange.phase == .selecting)
    }

    @Test func aLeaseIsRenewedByItsServerThenByAnyThenLost() throws {
        var exchange = try Self.bound()
        let begin = 0.1
        guard case .send(let renewal, let server)? = exchange.wake(Self.at(begin + 500), transaction: 50).first else {
            throw SystemError("renew", "it", .invalid)
        }
        #expect(server == [10, 0, 0, 1] && renewal.clientAddress == [10, 0, 0, 7] && renewal.transaction == 50)
        #expect(renewal.options[Option.server] == nil && renewal.options[Option.requestedAddress] == nil)
        var renewed = exchange
        let granted = renewed.receive(
            Self.answer(.acknowledgement, to: renewal, lease: 2000), Self.at(begin + 501), transaction: 51)
        #expect(granted.count == 1 && renewed.lease?.duration == 2000)
        #expect(renewed.deadline == Self.at(begin + 500 + 1000))

        var unicasts = 1
        var broadcasts = 0
        var isLost = false
        for _ in 0..<100 {
            guard let deadline = exchange.deadline else { break }
            switch exchange.wake(deadline, transaction: 52).first {
            case .send: unicasts += 1
            case .broadcast(let message):
                broadcasts += 1
                #expect(message.clientAddress == [10, 0, 0, 7] && deadline >= Self.at(begin + 875))
            case .lose:
                isLost = true
                #expect(deadline == Self.at(begin + 1000))
            default: break
            }
        }
        #expect(unicasts == 4 && broadcasts == 3 && isLost && exchange.phase == .expired, "\(unicasts) \(broadcasts)")
        #expect(exchange.release(Self.at(2000)) == nil)
    }

    @Test func aRefusalBeginsAnewAndEndsALease() throws {
        var (exchange, discover) = try Self.begun()
        guard
            case .broadcast(let request)? = exchange.receive(
                Self.answer(.offer, to: discover), Self.at(0.1), transaction: 8
            ).first
        else { throw SystemError("request", "it", .invalid) }
        guard
            case .broadcast(let again)? = exchange.receive(
                Self.answer(.refusal, to: request), Self.at(0.2), transaction: 8
            ).first
        else { throw SystemError("begin", "anew", .invalid) }
        #expect(again.kind == .discover && again.transaction == 8)

        var bound = try Self.bound()
        guard case .send(let renewal, _)? = bound.wake(Self.at(600), transaction: 9).first else {
            throw SystemError("renew", "it", .invalid)
        }
        let foreign = Self.answer(.refusal, to: renewal, server: [10, 0, 0, 9])
        #expect(bound.receive(foreign, Self.at(601), transaction: 10) == [])
        #expect(bound.receive(Self.answer(.refusal, to: renewal), Self.at(601), transaction: 10) == [.lose])
    }

    @Test func aLeaseForEverIsNeverRenewedAndCanBeReleased() throws {
        let exchange = try Self.bound(lease: .max)
        #expect(exchange.deadline == nil && exchange.lease?.duration == nil)
        guard case .send(let release, let server)? = exchange.release(Self.at(5)) else {
            throw SystemError("release", "it", .invalid)
        }
        #expect(release.kind == .release && server == [10, 0, 0, 1] && release.clientAddress == [10, 0, 0, 7])
        #expect(release.options[Option.clientIdentifier] == [0, 1, 2])
    }

    @Test func whatIsOnRecordIsGoneOnWith() throws {
        let lease = try #require(try Self.bound().lease)
        let adopted = DHCPExchange(Self.identity, lease: lease, since: Self.at(-100), transaction: 3)
        #expect(adopted.deadline == Self.at(400))
    }
}

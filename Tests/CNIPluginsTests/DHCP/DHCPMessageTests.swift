import Base
import CNITypes
import Linux
import TestSupport
import Testing

@testable import CNIPlugins

/// Messages as bytes, and leases as servers write them.
struct DHCPMessageTests {
    private typealias Option = DHCPMessage.Option

    /// A server's answer with these options.
    private static func answer(_ options: [UInt8: [UInt8]], address: [UInt8] = [10, 0, 0, 7]) -> [UInt8] {
        var message = DHCPMessage(.acknowledgement, transaction: 0x0102_0304, hardwareAddress: [2, 0, 0, 0, 0, 9])
        message.yourAddress = address
        message.options = options
        var bytes = message.bytes
        bytes[0] = 2
        // A client has no address to give.
        bytes.replaceSubrange(16..<20, with: address)
        return bytes
    }

    private static func lease(_ options: [UInt8: [UInt8]], address: [UInt8] = [10, 0, 0, 7]) -> DHCPLease? {
        let server: [UInt8: [UInt8]] = [Option.server: [10, 0, 0, 1]]
        return DHCPMessage(answer(server.merging(options) { $1 }, address: address)).flatMap { DHCPLease($0) }
    }

    @Test func aMessageIsReadAsItWasWritten() throws {
        let options: [UInt8: [UInt8]] = [
            Option.server: [10, 0, 0, 1], Option.hostName: Array("pod".utf8),
            // Longer than an option can be.
            Option.domainSearch: [UInt8](repeating: 5, count: 600),
        ]
        let message = try #require(DHCPMessage(Self.answer(options)))
        #expect(message.kind == .acknowledgement && message.transaction == 0x0102_0304)
        #expect(message.yourAddress == [10, 0, 0, 7] && message.hardwareAddress == [2, 0, 0, 0, 0, 9])
        #expect(message.options == options)
        let sent = DHCPMessage(.discover, transaction: 1, hardwareAddress: [2, 0, 0, 0, 0, 9]).bytes
        #expect(sent.count == 300 && sent[0] == 1 && sent[28..<34] == [2, 0, 0, 0, 0, 9])
    }

    @Test func optionsMayGoOnInOtherFields() throws {
        var bytes = Self.answer([Option.server: [10, 0, 0, 1], Option.overload: [3]])
        bytes.replaceSubrange(108..<115, with: [Option.subnetMask, 4, 255, 255, 0, 0, 255])
        bytes.replaceSubrange(44..<51, with: [Option.routers, 4, 10, 0, 0, 2, 255])
        let lease = try #require(DHCPMessage(bytes).flatMap { DHCPLease($0) })
        #expect(lease.address.description == "10.0.0.7/16" && lease.gateway == [10, 0, 0, 2])
    }

    @Test func whatIsCutOffOrChangedNeverCrashes() {
        let good = Self.answer([
            Option.server: [10, 0, 0, 1], Option.classlessRoutes: [24, 10, 1, 2, 10, 0, 0, 1, 0, 10, 0, 0, 1],
            Option.overload: [3],
        ])
        for count in good.indices { _ = DHCPMessage(good[..<count]).flatMap { DHCPLease($0) } }
        var random = SplitMix(5)
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = DHCPMessage(bytes).flatMap { DHCPLease($0) }
            _ = DHCPSocket.payload(bytes[...])
        }
    }

    @Test func packetsCarryMessagesWithRightSums() throws {
        for count in [1, 300, 301] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            var packet = DHCPSocket.packet(payload, from: [10, 0, 0, 7])
            #expect(DHCPSocket.checksum(Array(packet[..<20])) == 0)
            let pseudo = Array(packet[12..<20]) + [0, 17] + Array(packet[24..<26])
            #expect(DHCPSocket.checksum(pseudo + packet[20...]) == 0)
            // As a server's: from its port to the client's.
            packet.replaceSubrange(20..<24, with: [0, 67, 0, 68])
            #expect(DHCPSocket.payload(packet[...]).map { Array($0) } == payload)
        }
    }

    @Test func masksWithHolesAndAnswersWithoutServerAreNoLeases() {
        #expect(Self.lease([Option.subnetMask: [255, 0, 255, 0]]) == nil)
        #expect(Self.lease([Option.server: [1]]) == nil)
        #expect(Self.lease([:])?.address.length == 8)
        #expect(Self.lease([:], address: [172, 16, 0, 1])?.address.length == 16)
        #expect(Self.lease([:], address: [192, 168, 0, 1])?.address.length == 24)
        #expect(Self.lease([Option.subnetMask: [0, 0, 0, 0]])?.address.length == 0)
        #expect(Self.lease([Option.subnetMask: [255, 255, 255, 255]])?.address.length == 32)
    }

    @Test func classlessRoutesStandInThePlaceOfTheOthers() throws {
        let others: [UInt8: [UInt8]] = [
            Option.routers: [10, 0, 0, 1], Option.staticRoutes: [192, 168, 5, 0, 10, 0, 0, 3, 0, 0, 0, 0, 10, 0, 0, 4],
        ]
        func routes(_ options: [UInt8: [UInt8]]) throws -> [String] {
            try #require(Self.lease(options)).routes.map { "\($0.destination) \($0.gateway ?? "-")" }
        }
        #expect(try routes(others) == ["0.0.0.0/0 10.0.0.1", "192.168.5.0/24 10.0.0.3"])
        let classless: [UInt8: [UInt8]] = [
            Option.classlessRoutes: [0, 10, 0, 0, 9, 22, 10, 1, 4, 10, 0, 0, 8]
        ]
        #expect(try routes(others.merging(classless) { $1 }) == ["0.0.0.0/0 10.0.0.9", "10.1.4.0/22 10.0.0.8"])
        // What is cut off counts as far as it goes.
        #expect(try routes([Option.classlessRoutes: [0, 10, 0, 0, 9, 33, 1]]) == ["0.0.0.0/0 10.0.0.9"])
    }

    @Test func timesThatMakeNoSenseAreReplaced() throws {
        func times(_ lease: UInt32, _ renewal: UInt32, _ rebinding: UInt32) throws -> [UInt32] {
            func bytes(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
            let lease = try #require(
                Self.lease([
                    Option.leaseTime: bytes(lease), Option.renewalTime: bytes(renewal),
                    Option.rebindingTime: bytes(rebinding),
                ]))
            return [lease.duration ?? 0, lease.renewal, lease.rebinding]
        }
        #expect(try times(100, 10, 20) == [100, 10, 20])
        #expect(try times(100, 0, 0) == [100, 50, 87])
        #expect(try times(100, 90, 20) == [100, 20, 20])
        #expect(try times(100, 200, 300) == [100, 50, 87])
        #expect(try times(0, 5, 5)[0] == 1)
    }
}

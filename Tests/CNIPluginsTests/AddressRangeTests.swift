import CNITypes
import JSON
import Testing

@testable import CNIPlugins

@Suite struct AddressRangeTests {
    private func set(_ text: String) throws -> AddressRangeSet {
        try AddressRangeSet(try JSONParser.parse(Array(text.utf8)))
    }

    /// What is given out one after the other, until nothing is free.
    private func all(_ set: AddressRangeSet, after last: String? = nil) -> [String] {
        var taken: Set<[UInt8]> = []
        var last = last.flatMap { IPPrefix.parse($0) }
        var given: [String] = []
        while let next = set.next(after: last, taken: { taken.contains($0) }) {
            taken.insert(next.address)
            last = next.address
            given.append(IPPrefix.text(next.address))
        }
        return given
    }

    @Test func everyAddressButNetworkGatewayAndBroadcastIsGivenOutOnce() throws {
        #expect(try all(set(#"[{"subnet":"10.1.0.0/29"}]"#)) == (2...6).map { "10.1.0.\($0)" })
        #expect(try all(set(#"[{"subnet":"10.1.0.0/30","gateway":"10.1.0.2"}]"#)) == ["10.1.0.1"])
        // IPv6 has no broadcast.
        #expect(try all(set(#"[{"subnet":"fd00::/126"}]"#)) == ["fd00::2", "fd00::3"])
    }

    @Test func rangesOfASetFollowEachOtherRoundAndRound() throws {
        let two = try set(
            #"[{"subnet":"10.1.0.0/24","rangeStart":"10.1.0.9","rangeEnd":"10.1.0.10"},{"subnet":"10.2.0.0/30"}]"#)
        #expect(all(two) == ["10.1.0.9", "10.1.0.10", "10.2.0.2"])
        #expect(all(two, after: "10.1.0.10") == ["10.2.0.2", "10.1.0.9", "10.1.0.10"])
        #expect(all(two, after: "10.9.0.1") == ["10.1.0.9", "10.1.0.10", "10.2.0.2"], "of none of them")
        #expect(two.count == 3)
    }

    @Test func bytesCarryOver() throws {
        let range = try set(#"[{"subnet":"10.1.0.0/16","rangeStart":"10.1.0.255","rangeEnd":"10.1.1.1"}]"#)
        #expect(all(range) == ["10.1.0.255", "10.1.1.0", "10.1.1.1"])
        #expect(try set(#"[{"subnet":"10.0.0.0/8"}]"#).count == (1 << 24) - 3)
        #expect(try set(#"[{"subnet":"fd00::/64"}]"#).count == .max - 1)
        #expect(try set(#"[{"subnet":"fd00::/56"}]"#).count == .max)
        #expect(try set(#"[{"subnet":"0.0.0.0/0"}]"#).count == (1 << 32) - 3)
        #expect(try set(#"[{"subnet":"fd00::/112"}]"#).count == (1 << 16) - 2)
    }

    @Test(arguments: [
        ("[]", "a list of ranges"), (#"[{}]"#, "subnet: missing"), (#"[{"subnet":"10.1.0.0/31"}]"#, "too small"),
        (#"[{"subnet":"fd00::1/128"}]"#, "too small"), (#"[{"subnet":"10.1.0.1/24"}]"#, "the network is 10.1.0.0/24"),
        (#"[{"subnet":"10.1.0.0/24","rangeStart":"10.2.0.1"}]"#, "not in the subnet"),
        (#"[{"subnet":"10.1.0.0/24","rangeEnd":"10.2.0.1"}]"#, "not in the subnet"),
        (#"[{"subnet":"10.1.0.0/24","rangeStart":"10.1.0.9","rangeEnd":"10.1.0.8"}]"#, "comes after"),
        (#"[{"subnet":"10.1.0.0/24","gateway":"fd00::1"}]"#, "family"),
        (#"[{"subnet":"10.1.0.0/24","gateway":"nonsense"}]"#, "expected an address"),
        (#"[{"subnet":"10.1.0.0/24"},{"subnet":"10.1.0.128/25"}]"#, "overlap"),
        (#"[{"subnet":"10.1.0.0/24"},{"subnet":"fd00::/64"}]"#, "families"),
        (#"[{"subnet":"::ffff:10.1.0.0/112"}]"#, "IPv4"),
    ])
    func whatCannotBeARangeIsRefusedWithTheReason(_ text: String, _ reason: String) throws {
        let error = #expect(throws: JSONError.self) { try set(text) }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func networksContainAndOverlap() throws {
        let network = try #require(IPPrefix("10.1.77.3/20")).network
        #expect(network.description == "10.1.64.0/20" && IPPrefix.text(network.lastAddress) == "10.1.79.255")
        #expect(network.contains([10, 1, 79, 255]) && !network.contains([10, 1, 80, 0]) && !network.contains([]))
        let six = try #require(IPPrefix("fd00:1::/33"))
        let all = try #require(IPPrefix("::/0"))
        #expect(!network.overlaps(six) && six.overlaps(all) && all.overlaps(six))
        #expect(IPPrefix.successor([255, 255, 255, 255]) == nil)
    }
}

import Testing

@testable import Netlink

@Suite struct MACAddressTests {
    @Test func textIsSixHexadecimalBytes() {
        #expect(MACAddress("0a:58:FF:00:01:02")?.description == "0a:58:ff:00:01:02")
        for text in [
            "", "0a:58:ff:00:01", "0a:58:ff:00:01:02:03", "0a:58:ff:00:01:2", "+a:58:ff:00:01:02", "0a-58-ff-00-01-02",
        ] {
            #expect(MACAddress(text) == nil, "\(text)")
        }
    }

    @Test func randomOnesAreOfOneStationAndLocallyAdministered() throws {
        var seen: Set<MACAddress> = []
        for _ in 0..<100 {
            let mac = try MACAddress.random()
            #expect(!mac.isMulticast && mac.bytes[0] & 2 != 0)
            seen.insert(mac)
        }
        #expect(seen.count == 100)
    }
}

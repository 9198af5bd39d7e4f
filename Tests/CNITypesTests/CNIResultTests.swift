import JSON
import Testing

@testable import CNITypes

@Suite struct CNIResultTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(text.utf8) }

    private static let full = """
        {"cniVersion":"1.1.0","interfaces":[{"name":"cni0","mac":"00:11:22:33:44:55","mtu":1500},\
        {"name":"eth0","sandbox":"/run/netns/a","socketPath":"/s","pciID":"8086:9a01"}],\
        "ips":[{"interface":1,"address":"10.1.0.5/16","gateway":"10.1.0.1"},{"address":"fd00::5/64"}],\
        "routes":[{"dst":"0.0.0.0/0","gw":"10.1.0.1","mtu":1400,"advmss":1300,"priority":5,"table":7,"scope":0}],\
        "dns":{"nameservers":["10.1.0.1"],"domain":"d","search":["s"],"options":["ndots:5"]}}
        """

    @Test func aResultIsWrittenAsItWasRead() throws {
        let value = try parse(Self.full)
        #expect(try CNIResult(json: value).json(.v110) == value)
    }

    @Test func olderVersionsSayTheFamilyAndLeaveOutWhatCameLater() throws {
        let result = try CNIResult(json: parse(Self.full))
        #expect(
            result.json(.v040)
                == (try parse(
                    """
                    {"cniVersion":"0.4.0","interfaces":[{"name":"cni0","mac":"00:11:22:33:44:55"},\
                    {"name":"eth0","sandbox":"/run/netns/a"}],\
                    "ips":[{"version":"4","interface":1,"address":"10.1.0.5/16","gateway":"10.1.0.1"},\
                    {"version":"6","address":"fd00::5/64"}],"routes":[{"dst":"0.0.0.0/0","gw":"10.1.0.1"}],\
                    "dns":{"nameservers":["10.1.0.1"],"domain":"d","search":["s"],"options":["ndots:5"]}}
                    """)))
    }

    @Test(arguments: CNIVersion.allCases)
    func everyVersionIsReadBack(_ version: CNIVersion) throws {
        var result = try CNIResult(json: parse(Self.full))
        let again = try CNIResult(json: result.json(version))
        if version < .v110 {
            for index in result.interfaces.indices {
                result.interfaces[index].mtu = nil
                result.interfaces[index].socketPath = nil
                result.interfaces[index].pciID = nil
            }
            result.routes[0].attributes = [:]
        }
        #expect(again == result)
    }

    @Test(arguments: [
        (CNIVersion.v030, #"{"cniVersion":"0.3.0","dns":{}}"#),
        (.v031, #"{"cniVersion":"0.3.1","dns":{}}"#), (.v040, #"{"cniVersion":"0.4.0","dns":{}}"#),
        (.v100, #"{"cniVersion":"1.0.0"}"#), (.v110, #"{"cniVersion":"1.1.0"}"#),
    ])
    func anEmptyResultHasTheMembersOfItsVersion(_ version: CNIVersion, _ text: String) {
        #expect(JSONWriter().text(CNIResult().json(version)) == text)
    }

    @Test(arguments: [
        #"[]"#, #"{"cniVersion":"9.0.0"}"#, #"{"interfaces":{}}"#, #"{"interfaces":[{}]}"#, #"{"ips":[{}]}"#,
        #"{"ips":[{"address":"10.0.0.1"}]}"#, #"{"ips":[{"address":"10.0.0.1/33"}]}"#,
        #"{"ips":[{"address":"10.0.0.1/-1"}]}"#, #"{"ips":[{"address":"::1/129"}]}"#,
        #"{"ips":[{"address":"10.0.0.1/8","interface":0}]}"#, #"{"ips":[{"address":"10.0.0.1/8","interface":-1}]}"#,
        #"{"ips":[{"address":"10.0.0.1/8","gateway":"x"}]}"#, #"{"routes":[{"gw":"10.0.0.1"}]}"#,
        #"{"routes":[{"dst":"10.0.0.0/8","mtu":"1"}]}"#, #"{"dns":[]}"#, #"{"dns":{"search":[1]}}"#,
    ])
    func whatIsNoResultIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try CNIResult(json: JSONParser.parse(text.utf8)) }
    }

    @Test func anErrorSaysItsVersionCodeAndWords() throws {
        let error = CNIError(.tryAgainLater, "busy", details: "in 1 s")
        #expect(
            JSONWriter().text(error.json(.v100))
                == #"{"cniVersion":"1.0.0","code":11,"msg":"busy","details":"in 1 s"}"#)
        #expect(JSONWriter().text(CNIError(.undecodable, "no").json(.current)).hasSuffix(#""code":6,"msg":"no"}"#))
    }
}

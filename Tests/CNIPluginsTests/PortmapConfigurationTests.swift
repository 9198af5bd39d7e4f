import Base
import CNITypes
import JSON
import Netlink
import Testing

@testable import CNIPlugins

@Suite struct PortmapConfigurationTests {
    private static let previous =
        #""prevResult":{"cniVersion":"1.1.0","interfaces":[{"name":"br0"},{"name":"eth0","sandbox":"/n"}],"#
        + #""ips":[{"interface":0,"address":"10.9.9.1/24"},{"interface":1,"address":"10.1.0.5/24"},"#
        + #"{"interface":1,"address":"10.1.0.6/24"}]}"#

    private func configuration(_ more: String) throws -> NetworkConfiguration {
        try NetworkConfiguration(Array(#"{"cniVersion":"1.1.0","name":"n","type":"portmap"\#(more)}"#.utf8))
    }

    private func failure(_ more: String) throws -> CNIError? {
        do {
            let configuration = try configuration(more)
            let portmap = try PortmapConfiguration(configuration)
            _ = try HostportPlan(portmap, try configuration.readPreviousResult() ?? CNIResult(), interfaces: [])
            return nil
        } catch let error as CNIError {
            return error
        }
    }

    private func mapped(_ mappings: String) -> String {
        #","runtimeConfig":{"portMappings":\#(mappings)},"# + Self.previous
    }

    @Test func whatIsNotSupportedIsRefusedWithWords() throws {
        for (member, word) in [
            (#""backend":"iptables""#, "nftables"), (#""externalSetMarkChain":"KUBE-MARK-MASQ""#, "iptables"),
        ] {
            let error = try failure("," + member)
            #expect(error?.code == .unsupportedField, "\(member)")
            #expect(error?.details.contains(word) == true, "\(member): \(error?.description ?? "")")
        }
        for member in [
            #""backend":"nftables""#, #""externalSetMarkChain":"""#, #""conditionsV4":[]"#, #""conditionsV6":null"#,
            #""markMasqBit":5,"snat":true,"masqAll":false,"capabilities":{"portMappings":true}"#,
        ] { #expect(try failure("," + member) == nil, "\(member)") }
    }

    @Test func whatIsNotValidIsRefused() throws {
        for mapping in [
            #"{"hostPort":0,"containerPort":80}"#, #"{"hostPort":65536,"containerPort":80}"#, #"{"containerPort":80}"#,
            #"{"hostPort":80}"#, #"{"hostPort":"80","containerPort":80}"#, #"{"hostPort":80,"containerPort":-1}"#,
            #"{"hostPort":80,"containerPort":80,"protocol":"icmp"}"#,
            #"{"hostPort":80,"containerPort":80,"hostIP":"here"}"#,
            #"{"hostPort":80,"containerPort":80,"hostIP":"::1"}"#,
            #"{"hostPort":80,"containerPort":80,"hostIP":"fd00::1"}"#,
            #"{"hostPort":80,"containerPort":80,"hostIP":"::"}"#, "3",
            #"{"hostPort":80,"containerPort":80},{"hostPort":80,"containerPort":81}"#,
        ] { #expect(try failure(mapped("[\(mapping)]"))?.code == .invalidConfiguration, "\(mapping)") }
        for more in [
            mapped("{}"), #","snat":1"#, #","masqAll":"yes""#, #","markMasqBit":"x""#, #","backend":5"#,
            #","nftTable":"a b""#, #","nftTable":"""#, #","nftTable":"1""#, #","nftTable":7"#,
            #","nftTable":"\#(String(repeating: "x", count: 129))""#, #","conditionsV4":"x""#,
            #","conditionsV6":["!"]"#, #","conditionsV4":["-s","fd00::1"]"#,
        ] { #expect(try failure(more)?.code == .invalidConfiguration, "\(more)") }
    }

    @Test func thePodsFirstAddressOfAFamilyIsTheTarget() throws {
        let more = mapped(#"[{"hostPort":80,"containerPort":8080},{"hostPort":80,"containerPort":8080}]"#)
        let configuration = try configuration(more)
        let result = try #require(try configuration.readPreviousResult())
        let plan = try HostportPlan(try PortmapConfiguration(configuration), result, interfaces: ["br0"])
        #expect(plan.elements.count == 4)
        #expect(plan.elements[0].key == [6, 0, 0, 0, 0, 80, 0, 0])
        #expect(plan.elements[0].value == .bytes([10, 1, 0, 5, 0x1F, 0x90, 0, 0]))
        #expect(plan.loopbackInterfaces == ["br0"])
    }

    @Test func aChainIsNeededAndWithoutMappingsItsResultIsPassedOn() throws {
        func add(_ more: String) -> PluginCall.Outcome {
            let variables = [
                "CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c", "CNI_NETNS": "/nowhere", "CNI_IFNAME": "eth0",
            ]
            return PluginCall.run(Portmap(), variables: variables) { () throws(SystemError) in
                Array(#"{"cniVersion":"1.0.0","name":"n","type":"portmap"\#(more)}"#.utf8)
            }
        }
        #expect(try JSONParser.parse(add("").output)["code"]?.integerValue == 7)
        let result = #"{"cniVersion":"1.0.0","ips":[{"address":"10.1.0.5/24"}]}"#
        for runtime in ["", #","runtimeConfig":{}"#, #","runtimeConfig":{"portMappings":[]}"#] {
            let outcome = add(runtime + #","prevResult":"# + result)
            #expect(String(decoding: outcome.output, as: UTF8.self) == result + "\n")
        }
    }

    @Test func mutatedConfigurationsAreReadOrRefused() throws {
        let valid = Array(
            (#"{"cniVersion":"1.1.0","name":"n","type":"portmap","snat":true,"nftTable":"t""#
                + mapped(#"[{"hostPort":80,"containerPort":80,"protocol":"udp","hostIP":"10.0.0.1"}]"#) + "}").utf8)
        var generator = SystemRandomNumberGenerator()
        var read = 0
        for _ in 0..<4000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: index)
                }
            }
            do {
                let configuration = try NetworkConfiguration(bytes)
                let portmap = try PortmapConfiguration(configuration)
                let result = try configuration.readPreviousResult() ?? CNIResult()
                let plan = try HostportPlan(portmap, result, interfaces: HostInterfaces.named(in: result))
                for element in plan.elements { #expect(element.key.count % 4 == 0) }
                read += 1
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
        #expect(read > 50)
    }
}

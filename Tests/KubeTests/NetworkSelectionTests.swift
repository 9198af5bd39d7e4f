import JSON
import Testing

@testable import Kube

@Suite struct NetworkSelectionTests {
    @Test func namesBetweenCommasMayHaveANamespaceAndAnInterface() throws {
        let found = try NetworkSelection.read(" storage, team/fast@data0 ,b_1.x")
        #expect(found.map(\.name) == ["storage", "fast", "b_1.x"])
        #expect(found.map(\.namespace) == [nil, "team", nil])
        #expect(found.map(\.interface) == ["net1", "data0", "net3"])
        #expect(try NetworkSelection.read(" ").isEmpty)
    }

    @Test func aJSONListSaysWhatIsAskedOfEachNetwork() throws {
        let found = try NetworkSelection.read(
            """
            [{"name": "a", "ips": ["10.1.1.7/24", "2001:db8::7"], "mac": "02:00:00:00:00:07",
              "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}],
              "bandwidth": {"ingressRate": 1000, "ingressBurst": 2000}, "cni-args": {"k": "v"},
              "infiniband-guid": "c2:11:22:33:44:55:66:77", "deviceID": "0000:03:02.2"},
             {"name": "b", "namespace": "n", "interface": "up1", "default-route": ["10.2.0.1"]}]
            """)
        #expect(found.map(\.interface) == ["net1", "up1"])
        #expect(
            found[0].capabilities.members.map(\.key).sorted()
                == ["bandwidth", "deviceID", "infinibandGUID", "ips", "mac", "portMappings"])
        #expect(found[0].arguments?["k"]?.stringValue == "v")
        #expect(found[0].gateways.isEmpty && found[1].gateways == ["10.2.0.1"])
    }

    @Test(arguments: [
        ("a,,b", "is not of the form"), ("a/b/c", "is not of the form"), ("../a", "namespace \"..\""),
        ("n/.a", "cannot be a network's name"),
        ("N/a", "namespace \"N\""), ("a@eth0", "interface \"eth0\" is there twice"),
        ("a@net2,b", "interface \"net2\" is there twice"), ("a@sixteenlettersno", "cannot be an interface's name"),
        ("{\"name\": \"a\"}", "must be names between commas or a JSON list"), ("[{\"name\": \"a\"}", "JSON"),
        ("[7]", "[0]: expected an object"), ("[{}]", "[0]:"),
        ("[{\"name\": \"a\", \"vlan\": 7}]", "unknown field \"vlan\""),
        ("[{\"name\": \"a\", \"ips\": [\"10.1\"]}]", "is no address"),
        ("[{\"name\": \"a\", \"mac\": \"02:00\"}]", "is no MAC address"),
        ("[{\"name\": \"a\", \"portMappings\": [{\"hostPort\": 0, \"containerPort\": 80}]}]", "0 is no port"),
        ("[{\"name\": \"a\", \"bandwidth\": {\"rate\": 1}}]", "bandwidth: rate"),
        (
            "[{\"name\": \"a\", \"default-route\": [\"10.0.0.1\"]}, {\"name\": \"b\", \"default-route\": [\"10.0.0.1\"]}]",
            "only one network"
        ),
        (String(repeating: "a,", count: 40) + "a", "at most 32"),
    ])
    func whatIsNotWellFormedIsRefusedInWords(_ text: String, _ words: String) throws {
        do throws(NetworkSelection.Refusal) {
            let found = try NetworkSelection.read(text)
            Issue.record("read as \(found)")
        } catch {
            #expect(error.description.contains(words) || words == "JSON", "\(error)")
        }
    }

    @Test func ratesAreQuantitiesOfBitsASecondWithinKubernetesBounds() {
        let bandwidth = PodBandwidth([
            PodBandwidth.ingressAnnotation: "10M", PodBandwidth.egressAnnotation: "1Gi",
        ])
        #expect(bandwidth.ingress == 10_000_000 && bandwidth.egress == 1 << 30)
        #expect(PodBandwidth([:]).isEmpty)
        for text in ["999", "2P", "-1M", "fast", ""] { #expect(PodBandwidth.rate(text) == nil) }
    }
}

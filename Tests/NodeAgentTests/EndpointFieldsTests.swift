import Base
import HTTP
import HTTPClient
import TLS
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct EndpointFieldsTests {
    private static let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"

    private func decode(_ text: String) throws -> NodeSettings {
        try ConfigurationFile.decode(Array((Self.head + text).utf8), path: "c.yaml")
    }

    /// What is said of a file with these lines after its head.
    private func complaint(_ lines: String) -> String {
        do {
            _ = try decode(lines)
            return "(accepted)"
        } catch {
            return "\(error)"
        }
    }

    @Test func everyFieldSetsWhatItNames() throws {
        let settings = try decode(
            """
            staticPodURL: https://pods.example/v1
            staticPodURLHeader: {X-Site: [a7, b8], Authorization: ["Basic eA=="]}
            httpCheckFrequency: 1m30s
            podsURLClient:
              tokenFile: /etc/token
              caFile: /etc/ca.pem
              certFile: /etc/c.pem
              keyFile: /etc/k.pem
              connectTimeout: 500ms
              responseTimeout: 2s
              timeout: 1m
              plainHTTPHost: pods.lan
            statusURL: http://localhost:1/s
            statusURLHeader: {A: [b]}
            statusURLClient: {timeout: 5s}
            """)
        var pods = EndpointSettings()
        pods.url = try HTTPURL("https://pods.example/v1")
        pods.headers = [.init("X-Site", "a7"), .init("X-Site", "b8"), .init("Authorization", "Basic eA==")]
        pods.tokenFile = "/etc/token"
        pods.authorities = "/etc/ca.pem"
        pods.certificate = "/etc/c.pem"
        pods.key = "/etc/k.pem"
        pods.connectTimeout = .milliseconds(500)
        pods.responseTimeout = .seconds(2)
        pods.timeout = .seconds(60)
        pods.plainHTTPHost = "pods.lan"
        #expect(settings.podsEndpoint == pods)
        #expect(settings.podsInterval == .seconds(90))
        #expect(settings.statusEndpoint.url?.target == "/s" && settings.statusEndpoint.timeout == .seconds(5))
        #expect(settings.problems.isEmpty)
        let options = settings.podsEndpoint.options(root: "/r")
        #expect(options.tokenFile == "/r/etc/token" && options.tls.key == "/r/etc/k.pem")
    }

    @Test func podsURLIsAnotherNameOfTheKubeletsField() throws {
        #expect(try decode("podsURL: https://h/\n").podsEndpoint.url == HTTPURL("https://h/"))
        #expect(complaint("podsURL: https://h/\nstaticPodURL: https://h/\n").contains("remove one"))
        #expect(try decode("staticPodURL: \"\"\n").podsEndpoint.url == nil)
    }

    @Test(arguments: [
        ("podsURL: 5", "c.yaml:3:10: podsURL: expected a URL, found"),
        ("podsURL: ftp://x/", "begins with https:// or http://"),
        ("podsURL: https://u:p@h/", "no user and password"),
        ("staticPodURLHeader: {Host: [x]}", "\"Host\" is no header that may be set"),
        ("staticPodURLHeader: {A: x}", "expected a list of values for \"A\""),
        ("staticPodURLHeader: {A: [\"x\\r\\nB: c\"]}", "printable"),
        ("httpCheckFrequency: 20", "expected a time, as 20s"),
        ("httpCheckFrequency: 10ms", "a second at least"),
        ("httpCheckFrequency: 1x", "expected a time"),
        ("httpCheckFrequency: 99999999h", "expected a time"),
        ("podsURLClient: 1", "expected an object"),
        ("podsURLClient: {tokenfile: /x}", "did you mean \"tokenFile\"?"),
        ("podsURLClient: {caFile: ca.pem}", "podsURLClient.caFile: expected the absolute path"),
        ("statusURLClient: {timeout: 1ms}", "statusURLClient.timeout: expected a time from 100ms on"),
    ])
    func aMistakeIsNamedWithItsPlace(lines: String, words: String) {
        let said = complaint(lines)
        #expect(said.hasPrefix("c.yaml:3:") && said.contains(words), "\(said)")
    }

    @Test func plainHTTPGoesToThisMachineOrToAHostThatIsNamed() throws {
        func problem(_ url: String, _ host: String? = nil) throws -> String? {
            var settings = NodeSettings()
            settings.statusEndpoint.url = try HTTPURL(url)
            settings.statusEndpoint.plainHTTPHost = host
            return settings.problems.first?.message
        }
        for url in ["http://localhost/", "http://127.0.0.1:8/", "http://[::1]/", "https://h/"] {
            #expect(try problem(url) == nil, "\(url)")
        }
        #expect(try problem("http://h.lan/")?.contains("statusURLClient.plainHTTPHost: h.lan") == true)
        #expect(try problem("http://h.lan/", "H.lan") == nil)
        #expect(try problem("http://other.lan/", "h.lan") != nil, "another host was not named")
    }

    @Test func theCommandLinesURLWinsAndTheFilesSettingsStay() throws {
        var commandLine = NodeSettings()
        commandLine.podsEndpoint.url = try HTTPURL("https://a/")
        let both = commandLine.or(try decode("podsURL: https://b/\npodsURLClient: {tokenFile: /t}\n"))
        #expect(both.podsEndpoint.url?.host == "a" && both.podsEndpoint.tokenFile == "/t")
    }
}

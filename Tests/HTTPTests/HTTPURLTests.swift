import HTTP
import Testing

@Suite struct HTTPURLTests {
    @Test func aURLIsTakenApart() throws {
        let url = try HTTPURL("HTTPS://Pods.Example:8443/a/b?c=d")
        #expect(url.isSecure && url.host == "pods.example" && url.port == 8443 && url.target == "/a/b?c=d")
        #expect(url.authority == "pods.example:8443")
        #expect("\(url)" == "https://pods.example:8443/a/b?…", "a query may hold secrets")
        let plain = try HTTPURL("http://[::1]")
        #expect(!plain.isSecure && plain.host == "::1" && plain.port == 80 && plain.target == "/")
        #expect(plain.authority == "[::1]")
        #expect(try HTTPURL("http://h?x").target == "/?x")
    }

    @Test(arguments: [
        "", "pods.example", "ftp://h/", "http://", "http:///x", "http://u:p@h/", "http://h:0/", "http://h:65536/",
        "http://h:/", "http://h:80x/", "http://h/a b", "http://h/#x", "http://h/\r\nX: y", "http://[::1/", "http://[]/",
        "http://[h]/", "http://hö/", "http://a,b/", "http://h:1:2/",
    ])
    func whatIsNoURLIsRefused(text: String) {
        #expect(throws: HTTPError.self) { try HTTPURL(text) }
    }

    @Test func loopbackIsKnownByTheTextAlone() throws {
        for text in ["http://localhost/", "http://127.0.0.1/", "http://127.9.9.9:1/", "http://[::1]/"] {
            #expect(try HTTPURL(text).isLoopback, "\(text)")
        }
        for text in [
            "http://127.0.0.1.example/", "http://localhost.example/", "http://127.1/", "http://128.0.0.1/",
            "http://127.0.0.256/", "http://[::2]/", "http://0.0.0.0/",
        ] {
            #expect(try HTTPURL(text).isLoopback == false, "\(text)")
        }
    }
}

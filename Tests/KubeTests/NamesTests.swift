import Testing

@testable import Kube

@Suite("Names and addresses are Kubernetes'")
struct NamesTests {
    @Test("Labels and subdomains of RFC 1123")
    func dns() {
        for good in ["a", "1", "a-b", "a1-2b", String(repeating: "a", count: 63)] {
            #expect(Names.label(good) == nil, "\(good)")
            #expect(Names.subdomain(good) == nil, "\(good)")
        }
        for bad in ["", "-", "-a", "a-", "A", "a_b", "é", "a b", "a\n", String(repeating: "a", count: 64)] {
            #expect(Names.label(bad) != nil, "\(bad)")
        }
        for bad in ["", ".", "a.", ".a", "a..b", "a.-b", String(repeating: "a", count: 254)] {
            #expect(Names.subdomain(bad) != nil, "\(bad)")
        }
        #expect(Names.subdomain("a.b-c.1") == nil)
        #expect(Names.label("a.b") != nil)
    }

    @Test("Qualified names, label values, port names")
    func others() {
        for good in ["a", "A_b.c-1", "example.com/Name", "1/1"] { #expect(Names.qualifiedName(good) == nil, "\(good)") }
        for bad in ["", "/", "a/", "/a", "a/b/c", "-a", "a-", "A.com/x", "é", "a/" + String(repeating: "b", count: 64)]
        {
            #expect(Names.qualifiedName(bad) != nil, "\(bad)")
        }
        for good in ["", "a", "A.b_c-1"] { #expect(Names.labelValue(good) == nil, "\(good)") }
        for bad in ["-", "a-", "a/b", " ", String(repeating: "a", count: 64)] {
            #expect(Names.labelValue(bad) != nil, "\(bad)")
        }
        for good in ["a", "http", "1a", "a-b"] { #expect(Names.portName(good) == nil, "\(good)") }
        for bad in ["", "1", "-a", "a-", "a--b", "A", "abcdefghijklmnop"] {
            #expect(Names.portName(bad) != nil, "\(bad)")
        }
    }

    @Test("Addresses of IPv4 and IPv6")
    func addresses() {
        for good in [
            "0.0.0.0", "255.255.255.255", "10.9.8.7", "::", "::1", "1::", "2001:db8::ffff", "1:2:3:4:5:6:7:8",
            "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7::",
        ] {
            #expect(Names.address(good) == nil, "\(good)")
        }
        for bad in [
            "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.", "a.b.c.d", ":", ":::", "1::2::3",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "1.2.3.4::", "::1.2.3.4:1",
            "fe80::1%eth0", "1:", ":1", " ::1",
        ] {
            #expect(Names.address(bad) != nil, "\(bad)")
        }
    }

    @Test("The nearest word is offered, and none when none is near")
    func spelling() {
        let words = ["image", "imagePullPolicy", "name", "ports", "args", "securityContext"]
        let cases: [(String, String?)] = [
            ("imagee", "image"), ("iamge", "image"), ("Image", "image"), ("imagepullpolicy", "imagePullPolicy"),
            ("securitycontex", "securityContext"), ("arg", "args"), ("port", "ports"), ("x", nil), ("volumes", nil),
            ("", nil), (String(repeating: "image", count: 20), nil),
        ]
        for (text, word) in cases { #expect(Spelling.closest(to: text, among: words) == word, "\(text)") }
    }
}

import Testing

@testable import Images

@Suite("Image references")
struct ImageReferenceTests {
    private static let hex = String(repeating: "0123456789abcdef", count: 4)

    @Test(
        "are normalised as Docker does",
        arguments: [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:1.36", "docker.io/library/busybox:1.36"),
            ("library/busybox", "docker.io/library/busybox:latest"),
            ("docker.io/busybox", "docker.io/library/busybox:latest"),
            ("index.docker.io/busybox:1", "docker.io/library/busybox:1"),
            ("grafana/grafana", "docker.io/grafana/grafana:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("host:5000/a/b/c:v1.2_3-x", "host:5000/a/b/c:v1.2_3-x"),
            ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
            ("Registry/app", "Registry/app:latest"),
            ("10.0.0.1/app", "10.0.0.1/app:latest"),
            ("[fd00::1]:5000/app", "[fd00::1]:5000/app:latest"),
            ("a/b_c/d__e/f--g.h", "docker.io/a/b_c/d__e/f--g.h:latest"),
            ("busybox@sha256:" + hex, "docker.io/library/busybox@sha256:" + hex),
            ("busybox:1@sha256:" + hex, "docker.io/library/busybox@sha256:" + hex),
            ("quay.io/x/y:1@sha512:" + hex + hex, "quay.io/x/y@sha512:" + hex + hex),
        ])
    func normalised(_ text: String, _ canonical: String) throws {
        let reference = try ImageReference(parsing: text)
        #expect(reference.canonical == canonical)
        #expect(try ImageReference(parsing: canonical).canonical == canonical)
    }

    @Test(
        "that mean nothing are refused with the reason",
        arguments: [
            "", " ", "Busybox", "busy box", "busybox:", ":tag", "@sha256:" + hex, "busybox@", "busybox@sha256:abc",
            "busybox@md5:d41d8cd98f00b204e9800998ecf8427e", "a//b", "/a", "a/", "a/-b", "a/b-", "a___b", "a..b", "a._b",
            "host:port/a", "host:99999/a", "host:0/a", "-host.x/a", "ex..ample/a", "[fd00::1/a", "a:b:c", "a:-tag",
            "a:" + String(repeating: "t", count: 129), hex, "docker.io/" + String(repeating: "a", count: 260),
            "a\u{0}b",
            "bücher", "a/b\n", "example.com/",
        ])
    func refused(_ text: String) throws {
        let error = try #require(throws: ImageError.self) { try ImageReference(parsing: text) }
        #expect(error.reason == .invalidReference)
        #expect(!error.message.utf8.contains { $0 < 0x20 || $0 > 0x7E })
    }

    @Test(
        "of files without a name of their own",
        arguments: [
            ("/x/busybox.tar", "busybox"), ("My App_v2.tar.gz", "my-app_v2"), ("web.oci.tar.zst", "web"),
            ("..tar", nil), ("---.tgz", nil), ("Ünï.tar", "n"), ("a--b..c.tar", "a-b.c"), (".tar", "tar"),
        ])
    func fallback(_ file: String, _ base: String?) throws {
        #expect(FallbackName(file: file).base == base)
        #expect(try FallbackName(file: file).with(tag: "1").map(\.tag) == (base == nil ? [] : ["1"]))
    }
}

import JSON
import OCI
import Testing

@Suite("Image documents")
struct ImageDocumentTests {
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

    @Test("digests are checked before anything is named after them")
    func digests() {
        #expect(ImageDigest(Self.digest)?.description == Self.digest)
        #expect(ImageDigest("sha512:" + String(repeating: "0", count: 128)) != nil)
        for wrong in [
            "", "sha256:", "sha256:abc", "md5:" + String(repeating: "a", count: 32), Self.digest.uppercased(),
            Self.digest + "0", "sha256:" + String(repeating: "/", count: 64),
            "sha512:" + String(repeating: "0", count: 64),
            String(repeating: "ab", count: 32),
        ] {
            #expect(ImageDigest(wrong) == nil, "\(wrong)")
        }
    }

    @Test("Docker's and OCI's manifests are read alike")
    func manifests() throws {
        for (manifest, config, layer) in [
            (
                "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.config.v1+json",
                "application/vnd.oci.image.layer.v1.tar+zstd"
            ),
            (
                "application/vnd.docker.distribution.manifest.v2+json",
                "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"
            ),
        ] {
            let value = try parse(
                """
                {"schemaVersion":2,"mediaType":"\(manifest)","unknown":[],
                 "config":{"mediaType":"\(config)","digest":"\(Self.digest)","size":7},
                 "layers":[{"mediaType":"\(layer)","digest":"\(Self.digest)","size":9,"urls":null}]}
                """)
            let read = try ImageManifest(value)
            #expect(read.config.size == 7 && read.layers.map(\.size) == [9])
        }
    }

    @Test(
        "documents that two readers could take differently are refused",
        arguments: [
            #"{"schemaVersion":2,"manifests":[],"layers":[]}"#, #"{"schemaVersion":2,"manifests":[],"config":{}}"#,
            #"{"schemaVersion":2,"manifests":[],"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#,
            #"{"schemaVersion":1,"manifests":[]}"#, #"{"manifests":[]}"#, #"{"schemaVersion":2}"#, "[]",
            #"{"schemaVersion":2,"manifests":[{"digest":"sha256:..","size":1}]}"#,
        ])
    func ambiguous(_ text: String) throws {
        let value = try parse(text)
        #expect(throws: JSONError.self) { try ImageIndex(value) }
        #expect(throws: JSONError.self) { try ImageManifest(value) }
    }

    @Test("a config comes back from the form it is kept in")
    func config() throws {
        let value = try parse(
            """
            {"architecture":"arm64","os":"linux","variant":"v8","created":"2026-01-01T00:00:00Z","history":[{}],
             "config":{"User":"1000:100","Env":["A=b"],"Entrypoint":["/init"],"Cmd":null,"WorkingDir":"/w",
              "Volumes":{"/data":{}},"ExposedPorts":{"80/tcp":{}},"Labels":{"k":"v"},"StopSignal":"SIGQUIT",
              "Healthcheck":{"Test":["NONE"]}},
             "rootfs":{"type":"layers","diff_ids":["\(Self.digest)"]}}
            """)
        let config = try ImageConfig(value)
        #expect(config.user == "1000:100" && config.entrypoint == ["/init"] && config.cmd == nil)
        #expect(config.volumes == ["/data"] && config.exposedPorts == ["80/tcp"] && config.labels == ["k": "v"])
        #expect(config.stopSignal == "SIGQUIT" && config.workingDir == "/w" && config.env == ["A=b"])
        #expect(try ImageConfig(config.json) == config)
        let bare = try ImageConfig(
            try parse(#"{"architecture":"amd64","config":null,"rootfs":{"type":"layers","diff_ids":null}}"#))
        #expect(bare.platform.os == "linux" && bare.diffIDs.isEmpty)
        #expect(try ImageConfig(bare.json) == bare)
    }

    @Test(
        "a platform suits when the machine can run it, a better one more",
        arguments: [
            ("amd64", "", 1), ("amd64", "v2", 2), ("amd64", "v3", 3), ("amd64", "v4", nil), ("arm64", "v8", nil),
            ("386", "", nil), ("amd64", "x", nil),
        ] as [(String, String, Int?)])
    func platforms(_ architecture: String, _ variant: String, _ level: Int?) {
        let host = ImagePlatform(os: "linux", architecture: "amd64", variant: "v3")
        let image = ImagePlatform(os: "linux", architecture: architecture, variant: variant)
        #expect(image.suitability(for: host) == level)
        #expect(ImagePlatform(os: "windows", architecture: "amd64").suitability(for: host) == nil)
        let special = ImagePlatform(os: "linux", architecture: "amd64", osFeatures: ["erofs"])
        #expect(special.suitability(for: host) == nil)
    }

    @Test("arm64 without a variant is v8")
    func arm() {
        let host = ImagePlatform(os: "linux", architecture: "arm64", variant: "v8")
        #expect(ImagePlatform(os: "linux", architecture: "arm64").suitability(for: host) == 8)
        #expect(ImagePlatform(os: "linux", architecture: "arm64", variant: "v9").suitability(for: host) == nil)
    }
}

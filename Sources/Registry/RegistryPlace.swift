import HTTP

/// One place where a repository may be asked for.
struct RegistryPlace: Hashable, Sendable {
    var base: RegistryURL
    /// The repository's name there.
    var repository: String
    /// What credentials are looked up by: `docker.io`, `mirror.example.com:5000`.
    var registry: String
    /// The registry that a mirror stands in for; nil for the registry itself.
    var upstream: String?
    var settings: RegistriesFile.Host?

    var isMirror: Bool { upstream != nil }

    /// The URL of something in the repository.
    func url(_ kind: String, _ name: String) -> String {
        // Mirrors of many registries tell by this which one is meant.
        base.text + "/\(repository)/\(kind)/\(name)" + (upstream.map { "?ns=\($0)" } ?? "")
    }
}

/// Where a registry's API begins.
struct RegistryURL: Hashable, Sendable {
    var url: HTTPURL

    /// An endpoint as it is written: a path other than `/` or `/v2` is taken as it stands.
    init(endpoint text: String) throws(HTTPError) {
        var url = try HTTPURL(text.contains("://") ? text : "https://" + text)
        guard !url.target.contains("?") else { throw HTTPError(400, "a query (?) means nothing here; remove it") }
        while url.target.hasSuffix("/") { url.target.removeLast() }
        if url.target.isEmpty { url.target = "/v2" }
        self.url = url
    }

    /// The registry's own place. Over TLS, unless it is this machine.
    ///
    /// - Parameter isSecure: nil for what is usual.
    init?(registry: String, isSecure: Bool?) {
        let host = registry == "docker.io" ? "registry-1.docker.io" : registry
        let isSecure = isSecure ?? !Self.isLoopback(Self.host(of: host))
        guard let url = try? HTTPURL((isSecure ? "https://" : "http://") + host + "/v2") else { return nil }
        self.url = url
    }

    static func host(of registry: String) -> String {
        (try? HTTPURL("http://" + registry))?.host ?? registry
    }

    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    var text: String { Self.origin(url) + url.target }

    /// The host, and the port where it is not the usual one.
    var hostAndPort: String { Self.hostAndPort(url) }

    static func hostAndPort(_ url: HTTPURL) -> String {
        let host = url.host.contains(":") ? "[\(url.host)]" : url.host
        return url.port == (url.isSecure ? 443 : 80) ? host : "\(host):\(url.port)"
    }

    /// `https://host:port`: what must be the same for credentials to go along.
    static func origin(_ url: HTTPURL) -> String {
        let host = url.host.contains(":") ? "[\(url.host)]" : url.host
        let isUsual = url.port == (url.isSecure ? 443 : 80)
        return (url.isSecure ? "https://" : "http://") + host + (isUsual ? "" : ":\(url.port)")
    }
}

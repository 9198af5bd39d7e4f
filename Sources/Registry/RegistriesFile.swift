import HTTP

/// What registries.yaml says: where images of a registry may be asked for, and how.
public struct RegistriesFile: Hashable, Sendable {
    /// Other places that have a registry's images.
    public struct Mirror: Hashable, Sendable {
        /// Asked in this order, before the registry itself.
        public var endpoints: [Endpoint] = []
        /// Tried in this order; the first that matches a repository changes its name on the mirrors.
        public var rewrites: [Rewrite] = []
    }

    /// The URL of a mirror.
    public struct Endpoint: Hashable, Sendable {
        var base: RegistryURL
    }

    /// How a host is spoken to.
    public struct Host: Hashable, Sendable {
        public var credential: Credential?
        public var tls = TLSFiles()
    }

    /// Keys and certificates; empty strings where nothing was given.
    public struct TLSFiles: Hashable, Sendable {
        public var authorities = ""
        public var certificate = ""
        public var key = ""
        public var isUnverified = false
    }

    /// By registry; `*` is for all that have none of their own.
    public var mirrors: [String: Mirror] = [:]
    /// By host, with its port where it has one.
    public var hosts: [String: Host] = [:]

    /// Nothing in between: each registry is asked itself.
    public init() {}

    /// The places to ask for a repository, in order; the registry itself is the last.
    func places(registry: String, repository: String) throws(RegistryError) -> [RegistryPlace] {
        var places: [RegistryPlace] = []
        if let mirror = mirrors[registry] ?? mirrors["*"] {
            let name = mirror.rewrites.lazy.compactMap { $0.apply(to: repository) }.first ?? repository
            for endpoint in mirror.endpoints {
                let host = endpoint.base.hostAndPort
                // A mirror that is the registry itself is the last place.
                if endpoint.base == RegistryURL(registry: registry, isSecure: nil), name == repository { continue }
                places.append(
                    RegistryPlace(
                        base: endpoint.base, repository: name, registry: host, upstream: registry,
                        settings: settings(host, endpoint.base.url.host)))
            }
        }
        let known = settings(registry, RegistryURL.host(of: registry))
        let isSecure = known?.tls != nil && known?.tls != TLSFiles() ? true : nil
        guard let base = RegistryURL(registry: registry, isSecure: isSecure) else {
            throw RegistryError(.configuration, "\"\(escaped(registry))\" is no registry's host and port")
        }
        places.append(
            RegistryPlace(base: base, repository: repository, registry: registry, upstream: nil, settings: known))
        return places
    }

    /// What is said of a host: with its port first, then without.
    func settings(_ names: String...) -> Host? {
        for name in names {
            if let found = hosts[name] { return found }
        }
        return nil
    }
}

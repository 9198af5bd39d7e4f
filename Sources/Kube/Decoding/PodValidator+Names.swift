import JSON

/// The pod's name on the network, and where it looks up others.
extension PodValidator {
    mutating func names(_ spec: PodSpec, _ path: FieldPath) {
        if let hostname = spec.hostname, let wrong = Names.label(hostname) {
            invalid(hostname, wrong, path.field("hostname"))
        }
        if let subdomain = spec.subdomain, let wrong = Names.label(subdomain) {
            invalid(subdomain, wrong, path.field("subdomain"))
        }
        if let name = spec.hostnameOverride {
            let path = path.field("hostnameOverride")
            if let wrong = Names.subdomain(name) {
                invalid(name, wrong, path)
            } else if name.utf8.count > 64 {
                invalid(name, "must be no more than 64 characters", path)
            }
            if spec.hostNetwork { forbidden("may not be set when `hostNetwork` is true", path) }
            if spec.setHostnameAsFQDN { forbidden("may not be set when `setHostnameAsFQDN` is true", path) }
        }
        resolver(spec, path.field("dnsConfig"))
    }

    private mutating func resolver(_ spec: PodSpec, _ path: FieldPath) {
        if spec.dnsPolicy == .none {
            guard let config = spec.dnsConfig else {
                return required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
            }
            if config.nameservers.isEmpty {
                let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
                required(path.field("nameservers"), detail)
            }
        }
        guard let config = spec.dnsConfig else { return }
        if config.nameservers.count > 3 {
            invalid(
                config.nameservers.joined(separator: " "), "must not have more than 3 nameservers",
                path.field("nameservers"))
        }
        for (n, server) in config.nameservers.enumerated() {
            name(server, path.field("nameservers")[n], Names.address)
        }
        let searches = config.searches.joined(separator: " ")
        if config.searches.count > 32 {
            invalid(searches, "must not have more than 32 search paths", path.field("searches"))
        }
        if searches.utf8.count > 2048 {
            invalid(
                searches, "must not have more than 2048 characters (including spaces) in the search list",
                path.field("searches"))
        }
        for (n, search) in config.searches.prefix(100).enumerated() where search != "." {
            let bare = search.hasSuffix(".") ? String(search.dropLast()) : search
            if let wrong = Names.searchPath(bare) { invalid(search, wrong, path.field("searches")[n]) }
        }
        for (n, option) in config.options.enumerated() {
            let path = path.field("options")[n]
            if option.name.isEmpty { required(path, "must not be empty") }
            // A line of resolv.conf has them with spaces between.
            for (field, text) in [("name", option.name), ("value", option.value ?? "")]
            where text.unicodeScalars.contains(where: { $0.properties.isWhitespace || $0.value < 0x20 }) {
                invalid(text, "must not contain whitespace", path.field(field))
            }
        }
    }
}

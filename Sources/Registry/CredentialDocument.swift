import JSON

/// A document of credentials by registry, as `docker login` writes `config.json` and as secrets of the type
/// kubernetes.io/dockerconfigjson hold it.
public struct CredentialDocument: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var pattern: RegistryPattern
        var credential: Credential
    }

    var entries: [Entry] = []
    /// The helper program of a registry, by its name as it is written.
    var helpers: [String: String] = [:]
    /// The helper program of all others; empty for none.
    var store = ""

    /// Reads a document. Entries for registries that cannot be told from their names are left out.
    ///
    /// - Throws: `JSONError`.
    public init(_ text: some Collection<UInt8>) throws(JSONError) {
        let value = try JSONParser.parse(text, limits: .init(bytes: 1 << 20, depth: 16))
        guard value.objectValue != nil else {
            throw JSONError("expected an object, found \(value.kind)", at: value.position)
        }
        for member in try value.optional("auths", "an object", { $0.objectValue })?.members ?? [] {
            guard let pattern = RegistryPattern(member.key) else { continue }
            let entry = member.value
            if entry.isNull { continue }
            var credential = Credential(
                username: try entry.optionalString("username") ?? "",
                password: try entry.optionalString("password") ?? "")
            if let auth = try entry.optionalString("auth"), !auth.isEmpty {
                guard let pair = Credential(auth: auth) else {
                    throw JSONError(
                        "auth: expected USER:PASSWORD in base64", at: entry["auth"]?.position ?? entry.position)
                }
                credential = pair
            }
            credential.identityToken = try entry.optionalString("identitytoken") ?? ""
            credential.registryToken = try entry.optionalString("registrytoken") ?? ""
            if !credential.isEmpty { entries.append(Entry(pattern: pattern, credential: credential)) }
        }
        for member in try value.optional("credHelpers", "an object", { $0.objectValue })?.members ?? [] {
            if let name = member.value.stringValue { helpers[member.key] = name }
        }
        store = try value.optionalString("credsStore") ?? ""
    }

    /// The credentials for a repository, those with the longest path first.
    func matching(registry: String, repository: String) -> [Credential] {
        let found = entries.enumerated().filter { $0.element.pattern.matches(registry, repository) }
        return found.sorted {
            let (a, b) = ($0.element.pattern.rank, $1.element.pattern.rank)
            return a == b ? $0.offset < $1.offset : a > b
        }.map(\.element.credential)
    }

    /// The helper program for a registry, and the name that it is asked for.
    func helper(registry: String) -> (program: String, server: String)? {
        for (key, program) in helpers.sorted(by: { $0.key < $1.key }) {
            if let pattern = RegistryPattern(key), pattern.path.isEmpty, pattern.matches(registry, "") {
                return (program, key)
            }
        }
        if store.isEmpty { return nil }
        return (store, registry == "docker.io" ? "https://index.docker.io/v1/" : registry)
    }
}

/// The registries and repositories that an entry is for: `registry.example.com:5000/team`, `*.example.com`,
/// `https://index.docker.io/v1/`.
struct RegistryPattern: Hashable, Sendable {
    /// Labels of the host, `*` in them for any number of characters.
    let labels: [Substring]
    let port: Substring
    let path: [Substring]

    /// Nil for text without a host.
    init?(_ text: String) {
        var rest = Substring(text)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        var parts = rest.split(separator: "/")
        guard !parts.isEmpty else { return nil }
        var host = parts.removeFirst()
        // The version of a registry's API is not part of a repository's name.
        if let first = parts.first, first == "v1" || first == "v2" { parts.removeFirst() }
        var port = Substring()
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            port = host[host.index(after: colon)...]
            host = host[..<colon]
        }
        guard !host.isEmpty else { return nil }
        labels = Self.labels(host)
        self.port = port
        path = parts
    }

    private static func labels(_ host: Substring) -> [Substring] {
        let host = Substring(host.lowercased())
        let isDocker = ["index.docker.io", "registry-1.docker.io", "docker.io"].contains(host)
        return (isDocker ? "docker.io" : host).split(separator: ".", omittingEmptySubsequences: false)
    }

    /// The longer the path the better, then the longer the name.
    var rank: Int { path.count * 1000 + labels.reduce(0) { $0 + $1.utf8.count } }

    func matches(_ registry: String, _ repository: String) -> Bool {
        guard let other = RegistryPattern(registry), other.port == port, other.labels.count == labels.count else {
            return false
        }
        guard zip(labels, other.labels).allSatisfy({ Self.glob(Array($0.utf8), Array($1.utf8)) }) else { return false }
        return repository.split(separator: "/").starts(with: path)
    }

    /// Whether `*` in a pattern can stand for something that makes it the text.
    private static func glob(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        var (p, t) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                p = last.pattern + 1
                t = last.text + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

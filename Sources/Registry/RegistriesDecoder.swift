import HTTP
import JSON

extension RegistriesFile {
    /// Where the file is looked for.
    public static let path = "/etc/swiftlet/registries.yaml"

    /// Reads the file at `path`; one that is not there says nothing.
    ///
    /// - Throws: `RegistryError` with all that is wrong, a line each: `file:line:column: message`.
    public static func read(_ path: String) throws(RegistryError) -> RegistriesFile {
        try RegistriesDecoder.read(path) ?? RegistriesFile()
    }

    /// Reads the text of a file.
    ///
    /// - Throws: `RegistryError` with all that is wrong, a line each: `file:line:column: message`.
    public static func decode(_ text: some Collection<UInt8>, path: String) throws(RegistryError) -> RegistriesFile {
        try RegistriesDecoder.decode(text, path: path) ?? RegistriesFile()
    }
}

/// Reads registries.yaml.
private struct RegistriesDecoder: StrictDecoder {
    var issues: [String] = []

    mutating func file(_ document: JSONValue) -> RegistriesFile {
        var file = RegistriesFile()
        for member in members(document, "the file") {
            switch member.key {
            case "mirrors":
                for entry in members(member.value, "mirrors") {
                    checkHost(entry, allowsAll: true)
                    file.mirrors[Self.registry(entry.key)] = mirror(entry.value)
                }
            case "configs":
                for entry in members(member.value, "configs") {
                    checkHost(entry, allowsAll: false)
                    file.hosts[Self.registry(entry.key)] = host(entry.value)
                }
            default: unknown(member, in: "the file", ["mirrors", "configs"])
            }
        }
        return file
    }

    private static func registry(_ key: String) -> String {
        let key = key.lowercased()
        return ["index.docker.io", "registry-1.docker.io"].contains(key) ? "docker.io" : key
    }

    private mutating func checkHost(_ entry: JSONObject.Member, allowsAll: Bool) {
        if allowsAll, entry.key == "*" { return }
        if entry.key.contains("/") || entry.key.contains("*") || (try? HTTPURL("http://" + entry.key)) == nil {
            complain(
                "\"\(escaped(entry.key))\": expected a registry's host, with its port where it has one, and nothing else",
                entry.keyPosition)
        }
    }

    private mutating func mirror(_ value: JSONValue) -> RegistriesFile.Mirror {
        var mirror = RegistriesFile.Mirror()
        for member in members(value, "a mirror") {
            switch member.key {
            case "endpoint":
                guard let list = member.value.arrayValue else {
                    complain("endpoint: expected a list of URLs, found \(member.value.kind)", member.value)
                    continue
                }
                for element in list {
                    guard let text = element.stringValue else {
                        complain("endpoint: expected a URL, found \(element.kind)", element)
                        continue
                    }
                    do throws(HTTPError) {
                        mirror.endpoints.append(.init(base: try RegistryURL(endpoint: text)))
                    } catch {
                        complain("endpoint: \(error.message)", element)
                    }
                }
            case "rewrite":
                for entry in members(member.value, "rewrite") {
                    guard let replacement = entry.value.stringValue else {
                        complain("rewrite: expected a string, found \(entry.value.kind)", entry.value)
                        continue
                    }
                    let (rewrite, problem) = Rewrite.make(entry.key, replacement)
                    if let rewrite { mirror.rewrites.append(rewrite) } else { complain(problem, entry.keyPosition) }
                }
            default: unknown(member, in: "a mirror", ["endpoint", "rewrite"])
            }
        }
        return mirror
    }

    private mutating func host(_ value: JSONValue) -> RegistriesFile.Host {
        var host = RegistriesFile.Host()
        for member in members(value, "a registry's configuration") {
            switch member.key {
            case "auth": host.credential = credential(member.value)
            case "tls": host.tls = tls(member.value)
            default: unknown(member, in: "a registry's configuration", ["auth", "tls"])
            }
        }
        return host
    }

    private mutating func credential(_ value: JSONValue) -> Credential? {
        var credential = Credential()
        let names = ["username", "password", "auth", "identity_token"]
        for member in members(value, "auth") {
            guard names.contains(member.key) else {
                unknown(member, in: "auth", names)
                continue
            }
            let text = string(member)
            switch member.key {
            case "username": credential.username = text
            case "password": credential.password = text
            case "identity_token": credential.identityToken = text
            default:
                if let pair = Credential(auth: text) {
                    (credential.username, credential.password) = (pair.username, pair.password)
                } else {
                    complain("auth: expected USER:PASSWORD in base64", member.value)
                }
            }
        }
        return credential.isEmpty ? nil : credential
    }

    private mutating func tls(_ value: JSONValue) -> RegistriesFile.TLSFiles {
        var tls = RegistriesFile.TLSFiles()
        let names = ["ca_file", "cert_file", "key_file", "insecure_skip_verify"]
        for member in members(value, "tls") {
            switch member.key {
            case "ca_file": tls.authorities = path(member)
            case "cert_file": tls.certificate = path(member)
            case "key_file": tls.key = path(member)
            case "insecure_skip_verify":
                guard let flag = member.value.boolValue else {
                    complain("insecure_skip_verify: expected a boolean, found \(member.value.kind)", member.value)
                    continue
                }
                tls.isUnverified = flag
            default: unknown(member, in: "tls", names)
            }
        }
        if tls.certificate.isEmpty != tls.key.isEmpty {
            complain("tls: cert_file and key_file belong together; one is missing", value)
        }
        return tls
    }
}

import JSON

@testable import Registry

/// Headers of a registry's answers.
func fuzzHeaders(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    for challenge in Challenge.parse(text) {
        precondition(!challenge.scheme.isEmpty && challenge.scheme == challenge.scheme.lowercased(), "a scheme")
        // Written again it is the same.
        func quoted(_ value: String) -> String {
            String(value.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] })
        }
        let parameters = challenge.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(quoted($0.value))\"" }
        let again = challenge.scheme + " " + parameters.joined(separator: ", ")
        guard again.utf8.count < 16 << 10 else { continue }
        precondition(Challenge.parse(again) == [challenge], "a challenge changes")
    }
    if let range = ContentRange(text) {
        precondition(range.first >= 0 && range.first <= range.last, "a range that ends before it begins")
        precondition(range.total.map { $0 > range.last } ?? true, "a range beyond its end")
        _ = range.continues(at: range.first, of: range.last &+ 1)
    }
    if let pattern = RegistryPattern(text) {
        precondition(pattern.matches(text, "a/b") || !pattern.path.isEmpty || text.contains("*"), "not its own")
    }
}

/// registries.yaml and signatures.yaml. What is wrong is said with its place.
func fuzzRegistries(_ bytes: [UInt8]) {
    do throws(RegistryError) {
        let policy = try SignaturePolicy.decode(bytes, path: "file")
        for rule in policy.rules {
            for image in rule.images where !image.contains("*") {
                // The first rule that has it decides.
                let parts = image.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { continue }
                let demand = policy.demand(registry: String(parts[0]), repository: String(parts[1]))
                precondition(policy.rules.contains { $0.demand == demand }, "a demand that no rule makes")
            }
        }
    } catch {
        precondition(error.kind == .configuration, "\(error)")
        precondition(error.message.split(separator: "\n").allSatisfy { $0.hasPrefix("file:") }, "\(error)")
    }
    // A regular expression of the operator's may ask for as much memory as it likes.
    if bytes.contains(UInt8(ascii: "{")), bytes.firstRange(of: Array("rewrite".utf8)) != nil { return }
    do throws(RegistryError) {
        let file = try RegistriesFile.decode(bytes, path: "file")
        for registry in ["docker.io", "a.example:5000"] + file.mirrors.keys.filter({ $0 != "*" }).sorted() {
            guard let places = try? file.places(registry: registry, repository: "library/a") else { continue }
            precondition(places.last?.upstream == nil, "the registry itself is not the last")
            for place in places { _ = place.url("manifests", "latest") }
        }
    } catch {
        precondition(error.kind == .configuration, "\(error)")
        precondition(error.message.split(separator: "\n").allSatisfy { $0.hasPrefix("file:") }, "\(error)")
    }
}

/// Docker's config.json, with what is looked up in it.
func fuzzCredentials(_ bytes: [UInt8]) {
    guard let document = try? CredentialDocument(bytes) else { return }
    for registry in ["docker.io", "registry.example.com", "registry.example.com:5000"] {
        for credential in document.matching(registry: registry, repository: "team/app") {
            precondition(!credential.isEmpty, "a credential of nothing")
            let secrets = [credential.password, credential.identityToken, credential.registryToken]
            precondition(
                !secrets.contains { $0.utf8.count > 16 && credential.description.contains($0) }
                    || secrets.contains(credential.username), "a secret is shown")
            _ = credential.basic
        }
        _ = document.helper(registry: registry)
    }
}

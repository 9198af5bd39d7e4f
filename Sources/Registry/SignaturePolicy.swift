import JSON

/// What signatures.yaml says: whose signature images must bear that are pulled.
public struct SignaturePolicy: Hashable, Sendable {
    enum Demand: Hashable, Sendable {
        /// Nothing.
        case accept
        case refuse
        /// A signature by one of the keys in these files.
        case keys([String])
    }

    struct Rule: Hashable, Sendable {
        /// `REGISTRY/REPOSITORY`, in which `*` stands for anything.
        var images: [String]
        var demand: Demand
    }

    /// Where the file is looked for.
    public static let path = "/etc/swiftlet/signatures.yaml"

    var rules: [Rule] = []
    /// For messages.
    var path = Self.path

    /// Nothing is demanded.
    public init() {}

    /// Reads the file at `path`; one that is not there demands nothing.
    ///
    /// - Throws: `RegistryError` with all that is wrong, a line each: `file:line:column: message`.
    public static func read(_ path: String) throws(RegistryError) -> SignaturePolicy {
        var policy = try SignaturePolicyDecoder.read(path) ?? SignaturePolicy()
        policy.path = path
        return policy
    }

    /// Reads the text of a file.
    static func decode(_ text: some Collection<UInt8>, path: String) throws(RegistryError) -> SignaturePolicy {
        try SignaturePolicyDecoder.decode(text, path: path) ?? SignaturePolicy()
    }

    /// What the first rule that matches demands.
    func demand(registry: String, repository: String) -> Demand {
        let name = Array("\(registry)/\(repository)".utf8)
        return rules.first { $0.images.contains { Self.matches(Array($0.utf8), name) } }?.demand ?? .accept
    }

    /// In time that grows with the product of the lengths, whatever the pattern.
    static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var p = 0
        var n = 0
        var star: (p: Int, n: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p, n)
                p += 1
            } else if p < pattern.count, pattern[p] == name[n] {
                p += 1
                n += 1
            } else if let last = star {
                star = (last.p, last.n + 1)
                (p, n) = (last.p + 1, last.n + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// Reads signatures.yaml.
private struct SignaturePolicyDecoder: StrictDecoder {
    var issues: [String] = []

    mutating func file(_ document: JSONValue) -> SignaturePolicy {
        var policy = SignaturePolicy()
        for member in members(document, "the file") {
            guard member.key == "policies" else {
                unknown(member, in: "the file", ["policies"])
                continue
            }
            guard let list = member.value.arrayValue else {
                complain("policies: expected a list, found \(member.value.kind)", member.value)
                continue
            }
            for element in list { if let rule = rule(element) { policy.rules.append(rule) } }
        }
        return policy
    }

    private mutating func rule(_ value: JSONValue) -> SignaturePolicy.Rule? {
        var images: [String] = []
        var demands: [SignaturePolicy.Demand] = []
        for member in members(value, "a policy") {
            switch member.key {
            case "images": images = strings(member, of: "images")
            case "keys":
                let paths = strings(member, of: "paths of public keys")
                if !paths.allSatisfy({ $0.hasPrefix("/") }) {
                    complain("keys: expected absolute paths", member.value)
                }
                demands.append(.keys(paths))
            case "action":
                switch string(member) {
                case "accept": demands.append(.accept)
                case "refuse": demands.append(.refuse)
                default: complain("action: expected accept or refuse", member.value)
                }
            default: unknown(member, in: "a policy", ["images", "keys", "action"])
            }
        }
        if images.isEmpty { complain("a policy without images; \"*\" is for all", value) }
        guard demands.count == 1, let demand = demands.first else {
            complain("a policy has either keys or an action", value)
            return nil
        }
        return SignaturePolicy.Rule(images: images, demand: demand)
    }
}

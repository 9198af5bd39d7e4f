import OCI

/// The name of an image, normalised as Docker does: `busybox` is `docker.io/library/busybox:latest`.
public struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// `docker.io`, `registry.example.com:5000`.
    public let registry: String
    /// `library/busybox`.
    public let repository: String
    /// Nil only when there is a digest and no tag was written.
    public let tag: String?
    /// The manifest's digest when the reference pins one. It decides; the tag is then only a word.
    public let digest: ImageDigest?

    /// Parses a reference as people write it in a manifest.
    ///
    /// - Throws: `ImageError` with `invalidReference`.
    public init(parsing text: String) throws(ImageError) {
        func refuse(_ why: String) -> ImageError {
            ImageError(.invalidReference, "invalid image reference \"\(escaped(text.utf8))\": \(why)")
        }
        var rest = Substring(text)
        guard !rest.isEmpty else { throw refuse("it is empty") }
        guard text.utf8.count <= 1024 else { throw refuse("it is longer than 1024 bytes") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw refuse("only printable ASCII without spaces may stand in it")
        }
        if let at = rest.firstIndex(of: "@") {
            guard let digest = ImageDigest(String(rest[rest.index(after: at)...])) else {
                throw refuse("what follows '@' must be sha256: and 64, or sha512: and 128 hexadecimal digits")
            }
            self.digest = digest
            rest = rest[..<at]
        } else {
            digest = nil
        }
        // A colon after the last slash begins the tag; one before it is the registry's port.
        let nameStart = rest.lastIndex(of: "/").map { rest.index(after: $0) } ?? rest.startIndex
        if let colon = rest[nameStart...].firstIndex(of: ":") {
            let tag = rest[rest.index(after: colon)...]
            guard Self.isTag(tag) else {
                throw refuse("a tag has at most 128 letters, digits, '_', '.', '-' and begins with no '.' or '-'")
            }
            self.tag = String(tag)
            rest = rest[..<colon]
        } else {
            tag = digest == nil ? "latest" : nil
        }
        guard !rest.isEmpty else { throw refuse("the name is missing") }
        guard rest.utf8.count != 64 || !rest.utf8.allSatisfy(Self.isLowerHex) else {
            throw refuse("a name cannot be 64 hexadecimal digits")
        }

        var registry = "docker.io"
        var path = rest
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first == "localhost" || first.contains(".") || first.contains(":")
                || first.contains(where: \.isUppercase)
            {
                guard Self.isRegistry(first) else { throw refuse("\"\(first)\" is no registry's host and port") }
                registry = first == "index.docker.io" ? "docker.io" : String(first)
                path = rest[rest.index(after: slash)...]
            }
        }
        if registry == "docker.io", !path.contains("/") { path = "library/" + path }
        guard !path.contains(where: \.isUppercase) else { throw refuse("the repository name must be lower case") }
        guard path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(Self.isPathComponent) else {
            throw refuse(
                "name parts are lower-case letters and digits, between them one '.', one or two '_' or any number of '-'"
            )
        }
        guard registry.utf8.count + 1 + path.utf8.count <= 255 else {
            throw refuse("the name is longer than 255 bytes")
        }
        self.registry = registry
        repository = String(path)
    }

    /// Registry and repository: `docker.io/library/busybox`.
    public var name: String { registry + "/" + repository }

    /// The full form: with `@digest` when there is one, else with `:tag`.
    public var canonical: String {
        if let digest { return "\(name)@\(digest)" }
        return "\(name):\(tag ?? "latest")"
    }

    public var description: String { canonical }

    // MARK: - The grammar

    private static func isLowerHex(_ c: UInt8) -> Bool { isDigit(c) || (c >= 0x61 && c <= 0x66) }
    private static func isDigit(_ c: UInt8) -> Bool { c >= 0x30 && c <= 0x39 }
    private static func isLower(_ c: UInt8) -> Bool { c >= 0x61 && c <= 0x7A }
    private static func isAlphanumeric(_ c: UInt8) -> Bool { isDigit(c) || isLower(c | 0x20) }

    private static func isTag(_ text: Substring) -> Bool {
        let b = Array(text.utf8)
        guard let first = b.first, b.count <= 128 else { return false }
        return (isAlphanumeric(first) || first == UInt8(ascii: "_"))
            && b.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
    }

    /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
    private static func isPathComponent(_ text: Substring) -> Bool {
        let b = Array(text.utf8)
        var i = 0
        while true {
            let start = i
            while i < b.count, isDigit(b[i]) || isLower(b[i]) { i += 1 }
            if i == start { return false }
            if i == b.count { return true }
            switch b[i] {
            case UInt8(ascii: "."): i += 1
            case UInt8(ascii: "_"): i += i + 1 < b.count && b[i + 1] == UInt8(ascii: "_") ? 2 : 1
            case UInt8(ascii: "-"): while i < b.count, b[i] == UInt8(ascii: "-") { i += 1 }
            default: return false
            }
        }
    }

    /// Host name, IPv4 address or bracketed IPv6 address, with an optional port.
    private static func isRegistry(_ text: Substring) -> Bool {
        var host = text
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else { return false }
            let inside = host[host.index(after: host.startIndex)..<end]
            let after = host[host.index(after: end)...]
            guard !inside.isEmpty, inside.utf8.allSatisfy({ isLowerHex($0 | 0x20) || isDigit($0) || $0 == 0x3A }) else {
                return false
            }
            return after.isEmpty || (after.first == ":" && isPort(after.dropFirst()))
        }
        if let colon = host.lastIndex(of: ":") {
            guard isPort(host[host.index(after: colon)...]) else { return false }
            host = host[..<colon]
        }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last)
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isPort(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.count <= 5 && text.utf8.allSatisfy(isDigit) && (UInt16(text) ?? 0) > 0
    }
}

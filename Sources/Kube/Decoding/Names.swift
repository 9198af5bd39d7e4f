/// The grammars of names. Each check gives what is wrong in Kubernetes' words, or nil.
enum Names {
    /// The bytes that a name may be made of.
    private static func isLowerOrDigit(_ c: UInt8) -> Bool { (0x61...0x7A).contains(c) || isDigit(c) }
    private static func isDigit(_ c: UInt8) -> Bool { (0x30...0x39).contains(c) }
    private static func isAlphanumeric(_ c: UInt8) -> Bool { isLowerOrDigit(c | 0x20) && (isDigit(c) || c >= 0x41) }

    private static func isLabel(_ text: some Collection<UInt8>) -> Bool {
        var last: UInt8?
        for c in text {
            guard isLowerOrDigit(c) || (c == UInt8(ascii: "-") && last != nil) else { return false }
            last = c
        }
        return last.map { $0 != UInt8(ascii: "-") } ?? false
    }

    private static func tooLong(_ text: String, _ limit: Int) -> String? {
        text.utf8.count > limit ? "must be no more than \(limit) characters" : nil
    }

    /// RFC 1123 label: names of containers, volumes, namespaces.
    static func label(_ text: String) -> String? {
        if let long = tooLong(text, 63) { return long }
        if isLabel(text.utf8) { return nil }
        return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
            + "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
            + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    }

    /// RFC 1123 subdomain: names of pods and hosts.
    static func subdomain(_ text: String) -> String? {
        if let long = tooLong(text, 253) { return long }
        if text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy({ isLabel($0) }) {
            return nil
        }
        return
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            + "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
            + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    }

    /// A search path of a resolver: a subdomain that may have underscores.
    static func searchPath(_ text: String) -> String? {
        if let long = tooLong(text, 253) { return long }
        let bytes = text.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "a") : $0 }
        if bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy({ isLabel($0) }) {
            return nil
        }
        return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', "
            + "and must start and end with an alphanumeric character"
    }

    /// A kernel parameter: words with dots or slashes between.
    static func sysctl(_ text: String) -> String? {
        let parts = text.utf8.split(omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/")
        }
        func isInner(_ c: UInt8) -> Bool { isLowerOrDigit(c) || c == UInt8(ascii: "-") || c == UInt8(ascii: "_") }
        let areWords = parts.allSatisfy { part in
            guard let first = part.first, let last = part.last else { return false }
            return isLowerOrDigit(first) && isLowerOrDigit(last) && part.allSatisfy(isInner)
        }
        if areWords, text.utf8.count <= 253 { return nil }
        return "must have at most 253 characters and match regex "
            + "([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
    }

    /// `MyName` with `-_.` inside.
    private static func isWord(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = text.first, let last = text.last, isAlphanumeric(first), isAlphanumeric(last) else {
            return false
        }
        return text.allSatisfy {
            isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
    }

    /// Keys of labels and annotations: `example.com/name`.
    static func qualifiedName(_ text: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, parts.count <= 2 else {
            return "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
                + "with an alphanumeric character, with an optional DNS subdomain prefix and '/' (e.g. "
                + "'example.com/MyName')"
        }
        if parts.count == 2 {
            if parts[0].isEmpty { return "prefix part must be non-empty" }
            if let wrong = subdomain(String(parts[0])) { return "prefix part " + wrong }
        }
        if name.isEmpty { return "name part must be non-empty" }
        if name.utf8.count > 63 { return "name part must be no more than 63 characters" }
        if isWord(name.utf8) { return nil }
        return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            + "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
    }

    static func labelValue(_ text: String) -> String? {
        if let long = tooLong(text, 63) { return long }
        if text.isEmpty || isWord(text.utf8) { return nil }
        return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
            + "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
            + "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    }

    static func portName(_ text: String) -> String? {
        if let long = tooLong(text, 15) { return long }
        let bytes = Array(text.utf8)
        let dash = UInt8(ascii: "-")
        if !bytes.allSatisfy({ isLowerOrDigit($0) || $0 == dash }) {
            return "must contain only alphanumeric characters (a-z, 0-9), and hyphens ('-')"
        }
        if !bytes.contains(where: { (0x61...0x7A).contains($0) }) { return "must contain at least one letter (a-z)" }
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == dash && $1 == dash }) {
            return "must not contain consecutive hyphens"
        }
        return bytes.first == dash || bytes.last == dash ? "must not begin or end with a hyphen" : nil
    }

    /// A field of an HTTP request, as Kubernetes takes it.
    static func isHeader(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    static func environment(_ text: String) -> String? {
        if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }) { return nil }
        return "a valid environment variable name must consist only of printable ASCII characters other than '='"
    }

    /// Keys of ConfigMaps and Secrets, which become names of files.
    static func dataKey(_ text: String) -> String? {
        if let long = tooLong(text, 253) { return long }
        if text == "." { return "must not be '.'" }
        if text.hasPrefix("..") { return text == ".." ? "must not be '..'" : "must not start with '..'" }
        let others = Array("-_.".utf8)
        if !text.isEmpty, text.utf8.allSatisfy({ isAlphanumeric($0) || others.contains($0) }) { return nil }
        return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
            + "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
    }

    /// A UID becomes the name of a folder and of a cgroup.
    static func uid(_ text: String) -> String? {
        let isSafe = text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        return isSafe && text.utf8.count <= 63 ? nil : "a UID has at most 63 letters, digits and '-'"
    }

    static func address(_ text: String) -> String? {
        isIPv4(text) || isIPv6(text) ? nil : "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    }

    static func isIPv4(_ text: some StringProtocol) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.allSatisfy(isDigit) else { return false }
                // A leading zero is octal to some readers.
                if part.count > 1, part.first == 0x30 { return false }
                return part.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255
            }
    }

    static func isIPv6(_ text: String) -> Bool {
        guard text.utf8.count <= 45 else { return false }
        // At most one `::`, which stands for at least one group.
        var groups = 0
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return false }
        for (h, half) in halves.enumerated() where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (n, part) in parts.enumerated() {
                if n == parts.count - 1, h == halves.count - 1, isIPv4(part) {
                    groups += 2
                } else if (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ isHex($0) }) {
                    groups += 1
                } else {
                    return false
                }
            }
        }
        return halves.count == 2 ? groups <= 7 : groups == 8
    }

    private static func isHex(_ c: UInt8) -> Bool { isDigit(c) || (0x61...0x66).contains(c | 0x20) }
}

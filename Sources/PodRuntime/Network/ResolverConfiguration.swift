/// The content of a resolv.conf: read from the host's, composed by a pod's dnsPolicy and dnsConfig, cut to the limits.
public struct ResolverConfiguration: Hashable, Sendable {
    public var servers: [String] = []
    public var searches: [String] = []
    public var options: [String] = []

    public init(servers: [String] = [], searches: [String] = [], options: [String] = []) {
        self.servers = servers
        self.searches = searches
        self.options = options
    }

    /// Reads a resolv.conf as the kubelet does: the last `search` counts, options add up, unknown lines are skipped.
    public init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let keyword = fields.first, !keyword.hasPrefix("#"), !keyword.hasPrefix(";") else { continue }
            let values = fields.dropFirst()
            switch keyword {
            case "nameserver": if let server = values.first { servers.append(server) }
            case "search": searches = values.map { $0 != "." && $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
            case "options": merge(options: Array(values))
            default: break
            }
        }
    }

    /// The file: `search`, `nameserver` and `options` lines in the order container runtimes write them.
    public var text: String {
        var text = ""
        if !searches.isEmpty { text += "search \(searches.joined(separator: " "))\n" }
        for server in servers { text += "nameserver \(server)\n" }
        if !options.isEmpty { text += "options \(options.joined(separator: " "))\n" }
        return text
    }

    /// Adds a pod's dnsConfig: servers and searches without repetition; an option replaces one of its name.
    public mutating func append(_ other: ResolverConfiguration) {
        servers = Self.distinct(servers + other.servers)
        searches = Self.distinct(searches + other.searches)
        merge(options: other.options)
    }

    private mutating func merge(options new: [String]) {
        func name(_ option: String) -> Substring { option.prefix { $0 != ":" } }
        for option in new {
            if let i = options.firstIndex(where: { name($0) == name(option) }) {
                options[i] = option
            } else {
                options.append(option)
            }
        }
    }

    private static func distinct(_ values: [String]) -> [String] {
        var seen: Set<String> = []
        return values.filter { seen.insert($0).inserted }
    }

    /// Cuts to what resolvers take (3 servers, 32 searches of together 2048 bytes, none over 253) and returns the
    /// messages of the `DNSConfigForming` events for what was left out.
    public mutating func fitLimits() -> [String] {
        var messages: [String] = []
        if servers.count > 3 {
            servers = Array(servers.prefix(3))
            messages.append(
                "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
                    + servers.joined(separator: " "))
        }
        var kept = searches.prefix(32).filter { $0.utf8.count <= 253 }
        while kept.reduce(-1, { $0 + 1 + $1.utf8.count }) > 2048 { kept.removeLast() }
        if kept != searches {
            searches = kept
            messages.append(
                "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
                    + kept.joined(separator: " "))
        }
        return messages
    }
}

import Base
import CNITypes

/// A file in the format of resolv.conf(5).
enum ResolverFile {
    /// Its servers, domain, search list and options; other lines have no effect.
    static func read(_ path: String) throws(CNIError) -> CNIResult.DNS {
        do {
            return parse(try Files.read(path, limit: 64 << 10))
        } catch {
            throw CNIError(.inputOutput, "cannot read the resolvConf \(path)", details: "\(error)")
        }
    }

    static func parse(_ bytes: [UInt8]) -> CNIResult.DNS {
        var dns = CNIResult.DNS()
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            let words = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard words.count > 1, let first = words[0].utf8.first, first != UInt8(ascii: "#"),
                first != UInt8(ascii: ";")
            else { continue }
            switch words[0] {
            case "nameserver": dns.nameservers.append(words[1])
            case "domain": dns.domain = words[1]
            case "search": dns.search.append(contentsOf: words.dropFirst())
            case "options": dns.options.append(contentsOf: words.dropFirst())
            default: break
            }
        }
        return dns
    }
}

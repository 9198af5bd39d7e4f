import Base

/// The name that an image without one of its own gets from its file: `My App.tar.gz` gives `my-app`.
struct FallbackName: Hashable, Sendable {
    /// Nil when nothing usable is left of the file's name.
    let base: String?

    init(file path: String) {
        var name = Substring(Path.name(path))
        let endings = [".gz", ".tgz", ".zst", ".tzst", ".xz", ".bz2", ".tar", ".oci", ".docker", ".img", ".image"]
        while let ending = endings.first(where: { name.lowercased().hasSuffix($0) && name.count > $0.count }) {
            name = name.dropLast(ending.count)
        }
        // Letters in lower case, everything else a dash, no dash at either end or twice.
        var out: [UInt8] = []
        for c in name.utf8 {
            let lower = c >= 0x41 && c <= 0x5A ? c | 0x20 : c
            let isWord = (lower >= 0x61 && lower <= 0x7A) || (lower >= 0x30 && lower <= 0x39)
            let isSeparator = lower == UInt8(ascii: ".") || lower == UInt8(ascii: "_")
            if isWord {
                out.append(lower)
            } else if let last = out.last, last != UInt8(ascii: "-"), last != UInt8(ascii: "."),
                last != UInt8(ascii: "_")
            {
                out.append(isSeparator ? lower : UInt8(ascii: "-"))
            }
        }
        while let last = out.last, last == UInt8(ascii: "-") || last == UInt8(ascii: ".") || last == UInt8(ascii: "_") {
            out.removeLast()
        }
        let text = String(decoding: out.prefix(128), as: UTF8.self)
        base = (try? ImageReference(parsing: text)) == nil ? nil : text
    }

    /// The name with `tag` (latest without one); none when the file has no usable name.
    func with(tag: String?) throws(ImageError) -> [ImageReference] {
        guard let base else { return [] }
        return [try ImageReference(parsing: tag.map { "\(base):\($0)" } ?? base)]
    }
}
